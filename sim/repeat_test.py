#!/usr/bin/env python3
"""The same seed does the same, wherever things lie in memory: each scenario in processes that allocate differently.

repeat_test.py VIVIM: every run must print the same trace hash. Addresses differ by chance already (position-independent
code, ASLR); here the allocator, the stack and the contents of fresh memory do too.
"""

import json
import os
import subprocess
import sys

# Whole nodes with all their parts; gossip among machines that come and go; relays and hole punches; a DHT.
RUNS = [
    ["chaos", "--nodes", "4", "--seconds", "10", "--seed", "7"],
    ["propagation", "--nodes", "60", "--seconds", "6", "--seed", "7"],
    ["attack-dawn", "--nodes", "12", "--seconds", "4", "--seed", "7"],
    ["punch", "--nodes", "10", "--seconds", "3", "--seed", "7"],
    ["discovery", "--nodes", "30", "--seconds", "3", "--seed", "7"],
    ["availability", "--nodes", "4", "--seconds", "3000", "--seed", "7"],
]
SURROUNDINGS = [
    {},
    {
        "MALLOC_PERTURB_": "165",  # fresh memory is not zero, freed memory is overwritten
        "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",  # other blocks are used again, in another order
        "MALLOC_TOP_PAD_": "7340032",
        "VIVIM_TEST_PADDING": "x" * 50_000,  # the stack begins elsewhere
    },
    {
        "MALLOC_PERTURB_": "90",
        "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=4096",  # large blocks each at a place of their own
    },
]


def trace_of(program, run, surroundings):
    done = subprocess.run(
        [program, "sim", "run", *run, "--json"],
        env={**os.environ, **surroundings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    try:
        report = json.loads(done.stdout.splitlines()[0])  # also where small networks miss a mark
    except (IndexError, json.JSONDecodeError):
        sys.exit(f"{' '.join(run)}: no report\n{done.stdout}{done.stderr}")
    return report["trace"], report["events"]


def main():
    failed = 0
    for run in RUNS:
        traces = [trace_of(sys.argv[1], run, each) for each in SURROUNDINGS]
        same = len(set(traces)) == 1
        failed += not same
        print(f"{'same' if same else 'DIFFERENT'}: {run[0]} {', '.join(trace for trace, _ in traces)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
