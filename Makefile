# VIVIM's front door. `make run` starts a node; `make test` shows that everything works. `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help run build web test unit asan tsan fuzz interop conformance wasm e2e bench bench-crdt targets lint format docs coverage clean

help: ## this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

run: build ## install what is missing, build, and start a node on http://127.0.0.1:8470/
	@exec build/bin/vivim run $(ARGS)

build: ## build the program (build/bin/vivim) and the web app
	@scripts/bootstrap build
	@scripts/build release vivim
	@scripts/web

test: ## every test: unit, property, differential, interop, end to end
	@scripts/test

unit: ## only the C++ tests that need nothing foreign
	@scripts/bootstrap build
	@scripts/build release
	@ctest --test-dir build -L 'unit|fuzz|lint' -j 2 --output-on-failure

asan: ## the C++ tests, with fewer seeds, under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/sanitize asan

tsan: ## the C++ tests of what runs in several threads, under ThreadSanitizer
	@scripts/sanitize tsan

fuzz: ## every fuzz target for FUZZ_SECONDS (60) each
	@scripts/fuzz

interop: ## the matrix against go-, rust- and js-libp2p, into docs/interop.md; and the differential tests
	@scripts/bootstrap interop
	@scripts/build release
	@scripts/with-node interop/runner/interop.mjs --write
	@ctest --test-dir build -L differential --no-tests=error --output-on-failure

conformance: ## random programs in our CRDT engine and in npm's Yjs, every byte compared (TRANSACTIONS=1000000)
	@scripts/bootstrap test
	@scripts/build release crdt_conformance
	@build/bin/crdt_conformance --transactions $(or $(TRANSACTIONS),1000000) --seed $(or $(SEED),1) $(wildcard corpus/crdt_conformance/*.txt)

wasm: ## the CRDT engine for WebAssembly: its tests in Node, its wrapper beside npm's Yjs (ARGS=--bench measures both)
	@scripts/bootstrap wasm
	@scripts/wasm $(ARGS)

e2e: ## two nodes and two browsers
	@scripts/bootstrap test
	@scripts/build release vivim
	@scripts/web
	@ctest --test-dir build -L e2e --no-tests=error --output-on-failure

bench: ## benchmarks, beside their peers
	@scripts/bench

bench-crdt: ## the CRDT engine beside Yjs, ywasm and yrs, every result compared (ARGS="--quick --scaling --write")
	@scripts/bench-crdt $(ARGS)

targets: ## the scenarios of what the network promises, into docs/targets.md (ARGS=--quick is fast, and writes nothing)
	@scripts/bootstrap build
	@scripts/build release vivim
	@build/bin/vivim sim targets $(or $(ARGS),--write docs/targets.md)

lint: ## formatting, clang-tidy, house rules
	@scripts/lint

format: ## rewrite the C++ files in the house format
	@git ls-files '*.hpp' '*.cpp' | xargs clang-format-19 -i

docs: ## check what the documents claim against the program
	@scripts/bootstrap build
	@scripts/build release
	@ctest --test-dir build -L docs --no-tests=error --output-on-failure

coverage: ## line coverage of the unit tests, in build/coverage/report
	@scripts/coverage

clean: ## remove what was built (not what was installed, not your data)
	@mkdir -p build && find build -mindepth 1 -maxdepth 1 ! -name toolchain -exec rm -rf {} +
	@rm -rf web/dist
