// Runs VIVIM against go-libp2p, rust-libp2p and js-libp2p: prints the matrix, and writes it with --write to
// docs/interop.md. Exit 0 when nothing failed. What is not installed is printed as skipped.
//
//   scripts/with-node interop/runner/interop.mjs [--peers go,rust,js] [--only TEXT] [--write] [--require go,rust] [--without-nats]
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { combinations, has, nameOf, runCombination } from './combinations.mjs'
import { HOLE_PUNCHES, REACHABILITIES } from '../nat/scenarios.mjs'
import { ROOT, describe, why } from './process.mjs'
import { Report } from './report.mjs'
import { SCENARIOS } from './scenarios.mjs'

const { values: options } = parseArgs({
  options: {
    peers: { type: 'string', default: 'go,rust,js' },
    only: { type: 'string', default: '' },
    require: { type: 'string', default: '' },
    'without-nats': { type: 'boolean', default: false },
    write: { type: 'boolean', default: false }
  }
})

const kinds = options.peers.split(',')
const ours = describe('vivim')
if (ours === undefined) {
  console.error('vivim_interop_peer is not built: scripts/build release')
  process.exit(1)
}
const theirs = new Map(kinds.map(kind => [kind, describe(kind)]))
const missing = options.require.split(',').filter(kind => kind && theirs.get(kind) === undefined)
if (missing.length > 0) {
  console.error(`required, but not installed: ${missing.join(', ')} (scripts/bootstrap interop)`)
  process.exit(1)
}

const columns = kinds.flatMap(kind => [`VIVIM dials ${kind}`, `${kind} dials VIVIM`])
const report = new Report(columns)

async function cell (row, column, work) {
  if (!`${row} ${column}`.includes(options.only)) {
    return
  }
  const begin = performance.now()
  let found
  try {
    found = await work()
  } catch (error) {
    found = { ok: false, detail: error.message }
  }
  report.set(row, column, found)
  const took = ((performance.now() - begin) / 1000).toFixed(1)
  console.log(`${row.padEnd(22)} ${column.padEnd(20)} ${Report.text(found)}${found.mark ? '' : ` (${took} s)`}`)
}

function notToRun (kind, existsThere, existsHere) {
  if (theirs.get(kind) === undefined) {
    return { mark: 'skipped', detail: why(kind) }
  }
  if (!existsThere) {
    return { mark: '-' }
  }
  return existsHere ? undefined : { mark: 'not yet' }
}

report.section('Transports, securities, muxers',
  'Each cell: dial, identify both ways, ping both ways, 10 MiB on 8 streams each way at once with SHA-256 compared at\n' +
  'both ends, streams opened by the listener too, and 4 MiB of perf each way. Rates count one direction.')
for (const combination of combinations()) {
  for (const kind of kinds) {
    const mark = notToRun(kind, theirs.get(kind) && has(theirs.get(kind), combination), has(ours, combination))
    const run = (dialer, listener) => async () => mark ?? await runCombination(dialer, listener, combination, true)
    await cell(nameOf(combination), `VIVIM dials ${kind}`, run('vivim', kind))
    await cell(nameOf(combination), `${kind} dials VIVIM`, run(kind, 'vivim'))
  }
}

const abilities = description => [...description?.features ?? [], ...(description?.keys ?? []).map(key => `key-${key}`)]

function scenarioMark (scenario, kind, dialer) {
  const has = (description, role) => scenario.needs[role].every(one => abilities(description).includes(one))
  const [here, there] = dialer === 'vivim' ? ['dialer', 'listener'] : ['listener', 'dialer']
  if (scenario.only === 'foreign dials' && dialer === 'vivim') {
    return { mark: '' }
  }
  return scenario.missing?.(kind) ?? notToRun(kind, has(theirs.get(kind), there) && has(theirs.get(kind), 'foreign'), has(ours, here) && has(ours, 'vivim')) ??
    scenario.broken?.(dialer, kind) ?? scenario.unavailable?.()
}

async function runAll (scenarios) {
  for (const scenario of scenarios) {
    for (const kind of kinds) {
      for (const [column, dialer, listener] of [[`VIVIM dials ${kind}`, 'vivim', kind], [`${kind} dials VIVIM`, kind, 'vivim']]) {
        const mark = scenarioMark(scenario, kind, dialer)
        await cell(scenario.name, column, async () => mark ?? await scenario.run(dialer, listener))
      }
    }
  }
}

report.section('Protocols', 'Over TCP, Noise and yamux where nothing else is said.')
await runAll(SCENARIOS)

if (!options['without-nats']) {
  report.section('Reachability behind NATs',
    'The dialer is behind a NAT and asks the listener, who has a public address, whether it can be reached. The NATs are nftables\n' +
    'in network namespaces: `cone` lets everybody in at one port, `restricted` keeps the port and lets in who was sent to,\n' +
    '`symmetric` takes another port for each connection.')
  await runAll(REACHABILITIES)
  report.section('Hole punching (DCUtR)',
    'Row: transport, the NAT of the dialer, the NAT of the listener. They meet through a relay of VIVIM, and the listener, by the\n' +
    'protocol, begins. `stays relayed, as it must`: one side has another port for each peer and the other lets only known ports in,\n' +
    'so that nobody can punch; the relayed connection went on working. js-libp2p punches when its application says from which port\n' +
    'it dials, and where others see it (interop/README.md); not with its defaults.')
  await runAll(HOLE_PUNCHES)
}

const versions = [...theirs].filter(([, one]) => one).map(([, one]) => `${one.name} ${one.version}`)
const absent = kinds.filter(kind => theirs.get(kind) === undefined)
console.log(`\n${report.markdown()}\n${versions.join(', ')}\n${report.summary()}`)
absent.forEach(kind => console.log(`skipped: the ${kind} column: ${why(kind)}`))
if (options.write) {
  writeFileSync(`${ROOT}/docs/interop.md`, `# Interoperability

Written by \`make interop\` (\`interop/runner/interop.mjs --write\`): VIVIM against ${versions.join(', ')}, as
processes on one machine. A cell says ok only if bytes went both ways and hashes agreed. \`-\`: they do not have it.
\`not yet\`: VIVIM does not have it yet.

${report.markdown()}`)
}
process.exit(report.failed() > 0 ? 1 : 0)
