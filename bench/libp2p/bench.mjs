// libp2p beside go-libp2p and rust-libp2p, and beside a bare TCP connection, in one run on this machine: medians of
// several rounds with their spread, the peers in turn within each round. Prints a table with the marks, and writes
// build/bench/libp2p.json.
//
//   scripts/with-node bench/libp2p/bench.mjs [--quick] [--rounds 5] [--peers vivim,go,rust] [--only TEXT] [--write]
//
// --write puts the table into docs/benchmarks.md.
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs, promisify } from 'node:util'
import { LISTEN, flagsOf, has, nameOf } from '../../interop/runner/combinations.mjs'
import { settled } from '../../interop/runner/memory.mjs'
import { ROOT, describe, withPeers } from '../../interop/runner/process.mjs'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    peers: { type: 'string', default: 'vivim,go,rust' },
    only: { type: 'string', default: '' },
    write: { type: 'boolean', default: false }
  }
})
const ROUNDS = Number(options.rounds)
const BYTES = options.quick ? 256 << 20 : 1 << 30
// Over a slow link the beginning counts: QUIC's slow start alone takes nine round trips there.
const LONG_BYTES = 1 << 30
const WRITE_BYTES = 64 * 1024
const RTT_MS = 60
const PATIENCE = 300_000

const kinds = options.peers.split(',').filter(kind => existsSync(`${ROOT}/build`) && describe(kind) !== undefined)
const described = new Map(kinds.map(kind => [kind, describe(kind)]))
const figures = []

function program (name) {
  return `${process.env.VIVIM_BENCH_BIN ?? `${ROOT}/build/bin`}/${name}`
}

function raw (...words) {
  const ran = spawnSync(program('libp2p_raw'), words.map(String), { encoding: 'utf8' })
  if (ran.status !== 0) {
    throw new Error(`libp2p_raw: ${ran.stderr}`)
  }
  return Number(ran.stdout)
}

function median (values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

// Several rounds of `measures`, a map from a name to what gives one number; a failure is kept as text.
async function measure (what, unit, measures) {
  if (!what.includes(options.only)) {
    return undefined
  }
  const found = new Map(Object.keys(measures).map(name => [name, []]))
  const errors = new Map()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, work] of Object.entries(measures)) {
      if (errors.has(name)) {
        continue
      }
      try {
        found.get(name).push(await work())
      } catch (error) {
        errors.set(name, error.message)
      }
    }
  }
  const figure = { what, unit, values: {} }
  for (const [name, values] of found) {
    figure.values[name] = errors.has(name)
      ? { error: errors.get(name) }
      : { median: median(values), low: Math.min(...values), high: Math.max(...values), values }
  }
  figures.push(figure)
  const cells = Object.entries(figure.values).map(([name, one]) => `${name} ${text(one)}`)
  console.log(`${what} [${unit}]: ${cells.join(', ')}`)
  return figure
}

function text (one) {
  const digits = value => value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toFixed(3)
  return one === undefined ? '' : one.error ? `failed: ${one.error}` : `${digits(one.median)} (${digits(one.low)} to ${digits(one.high)})`
}

// One core for each side, as libp2p_raw has: where the system puts two processes that wake each other is chance.
const ON_CORE = core => ['taskset', '-c', String(core % cpus().length)]

async function pair (kind, combination, work) {
  const flags = flagsOf(combination)
  return await withPeers([[kind, flags, ON_CORE(0)], [kind, flags, ON_CORE(1)]], async (dialer, listener) => {
    const { addrs: [at] } = await listener.ask('listen', { addr: LISTEN[combination.transport] })
    return await work(dialer, listener, at)
  })
}

const TCP = { transport: 'tcp', security: 'noise', muxer: 'yamux' }
const gigabits = (bytes, seconds) => bytes * 8 / seconds / 1e9

function having (combination) {
  return kinds.filter(kind => has(described.get(kind), combination))
}

async function throughput (combination) {
  for (const direction of ['upload', 'download']) {
    const measures = { 'raw TCP': async () => gigabits(BYTES, raw('pipe', BYTES, WRITE_BYTES)) }
    if (combination.security === 'noise') {
      measures['sealed TCP'] = async () => gigabits(BYTES, raw('sealed', BYTES, WRITE_BYTES))
    }
    for (const kind of having(combination)) {
      measures[kind] = () => pair(kind, combination, async (dialer, listener, at) => {
        await dialer.ask('dial', { addr: at })
        const { seconds } = await dialer.ask('perf', { peer: listener.id, [direction]: BYTES }, PATIENCE)
        return gigabits(BYTES, seconds)
      })
    }
    await measure(`one stream, ${nameOf(combination)}, ${direction}`, 'Gbit/s', measures)
  }
}

async function connectionRate (combination) {
  const measures = {}
  for (const kind of having(combination)) {
    measures[kind] = () => pair(kind, combination, async (dialer, listener, at) => {
      const fields = { addr: at, parallel: 4, count: options.quick ? 100 : 300 }
      const { seconds, connections } = await dialer.ask('connect-rate', fields, PATIENCE)
      return connections / seconds
    })
  }
  await measure(`new connections, ${nameOf(combination)}`, 'per s', measures)
}

async function pings (combination) {
  const measures = { 'raw TCP': async () => raw('echo', 3000) }
  for (const kind of having(combination)) {
    measures[kind] = () => pair(kind, combination, async (dialer, listener, at) => {
      await dialer.ask('dial', { addr: at })
      const { ms } = await dialer.ask('ping', { peer: listener.id, count: 2000 }, PATIENCE)
      return median(ms) * 1000
    })
  }
  await measure(`ping, ${nameOf(combination)}`, 'us', measures)
}

async function idleConnections (combination, count) {
  const measures = {}
  for (const kind of having(combination)) {
    measures[kind] = () => pair(kind, combination, async (dialer, listener, at) => {
      await dialer.ask('dial-many', { addr: at, count: 50 }, PATIENCE)
      const before = await settled(listener)
      await dialer.ask('dial-many', { addr: at, count }, PATIENCE)
      return (await settled(listener) - before) / count
    })
  }
  await measure(`memory of an idle connection at its listener, ${nameOf(combination)}, of ${count}`, 'KiB', measures)
}

async function manyConnections (count) {
  await measure(`memory of a process with ${count} idle connections, ${nameOf(TCP)}`, 'MiB', {
    vivim: () => pair('vivim', TCP, async (dialer, listener, at) => {
      await dialer.ask('dial-many', { addr: at, count }, PATIENCE)
      return await settled(listener) / 1024
    })
  })
}

async function idleStreams (count) {
  const sides = { 'opened by': 0, 'accepted by': 1 }
  for (const [side, index] of Object.entries(sides)) {
    await measure(`memory of an idle stream, ${count} on one connection, ${side}`, 'KiB', {
      vivim: () => pair('vivim', TCP, async (...peers) => {
        const [dialer, listener, at] = peers
        await dialer.ask('dial', { addr: at })
        await dialer.ask('open-streams', { peer: listener.id, count: 100 })
        const before = await settled(peers[index])
        await dialer.ask('open-streams', { peer: listener.id, count }, PATIENCE)
        const ping = await dialer.ask('ping', { peer: listener.id })
        return ping.ok && (await settled(peers[index]) - before) / count
      })
    })
  }
}

// A slow link in front of a listener; `work` gets the address on its near side.
async function overLink (at, rateMbit, work) {
  const [, protocol, port] = /\/(tcp|udp)\/(\d+)/.exec(at)
  const link = spawn(program('libp2p_link'), [protocol, port, String(RTT_MS / 2), String(rateMbit)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const near = await new Promise((resolve, reject) => {
    link.stdout.once('data', text => resolve(String(text).trim()))
    link.once('error', reject)
  })
  try {
    return await work(at.replace(`/${protocol}/${port}`, `/${protocol}/${near}`))
  } finally {
    link.stdin.end()
  }
}

async function firstByte (combination) {
  const measures = {}
  // The emulator answers TCP's own handshake at once: that round trip is added.
  const own = combination.transport === 'quic-v1' ? 0 : 1
  for (const kind of having(combination)) {
    measures[kind] = () => pair(kind, combination, (dialer, listener, at) => overLink(at, 1000, async near => {
      const begin = performance.now()
      await dialer.ask('dial', { addr: near })
      await dialer.ask('perf', { peer: listener.id, upload: 1, download: 1 })
      return (performance.now() - begin) / RTT_MS + own
    }))
  }
  await measure(`connect and first byte over ${RTT_MS} ms, ${nameOf(combination)}`, 'round trips', measures)
}

async function rawOverLink (bytes) {
  const sink = spawn(program('libp2p_raw'), ['sink'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = await once(sink.stdout, 'data')
  return await overLink(`/tcp/${String(port).trim()}`, 1000, async near => {
    const { stdout } = await promisify(execFile)(program('libp2p_raw'), ['send', near.slice('/tcp/'.length), bytes, WRITE_BYTES].map(String))
    return gigabits(bytes, Number(stdout))
  })
}

async function longFat (combination) {
  const measures = combination.transport === 'tcp' ? { 'raw TCP': () => rawOverLink(LONG_BYTES) } : {}
  for (const kind of having(combination)) {
    measures[kind] = () => pair(kind, combination, (dialer, listener, at) => overLink(at, 1000, async near => {
      await dialer.ask('dial', { addr: near })
      const { seconds } = await dialer.ask('perf', { peer: listener.id, upload: LONG_BYTES }, PATIENCE)
      return gigabits(LONG_BYTES, seconds)
    }))
  }
  await measure(`one stream over ${RTT_MS} ms and 1 Gbit/s, ${nameOf(combination)}`, 'Gbit/s', measures)
}

// User and system time of a peer so far.
function processorSeconds (peer) {
  const fields = readFileSync(`/proc/${peer.child.pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const GOSSIP = { topic: 'bench', peers: 50, bytes: 1024 }

// One router, and a program of VIVIM's that plays all its peers: the first sends, the others get all. Counted is the router's
// processor time alone, so that it does not matter how many cores it takes; its transport, Noise and yamux are within.
async function gossip (policy) {
  const [messages, warmUp] = options.quick ? [2000, 300] : [10_000, 1000]
  const allocations = new Map()
  const measures = {}
  for (const kind of kinds.filter(one => described.get(one).features.includes('pubsub'))) {
    const flags = [...flagsOf(TCP), '--pubsub', policy, '--pubsub-mesh', String(GOSSIP.peers)]
    measures[kind] = () => withPeers([['vivim', flagsOf(TCP)], [kind, flags]], async (load, router) => {
      const { addrs: [at] } = await router.ask('listen', { addr: LISTEN.tcp })
      await router.ask('pubsub-subscribe', { topic: GOSSIP.topic })
      await load.ask('gossip-join', { ...GOSSIP, addr: at, policy }, PATIENCE)
      await load.ask('gossip-load', { ...GOSSIP, messages: warmUp }, PATIENCE)
      const [began, allocated] = [processorSeconds(router), await router.ask('allocations')]
      await load.ask('gossip-load', { ...GOSSIP, messages }, PATIENCE)
      const took = processorSeconds(router) - began
      allocations.set(kind, [...allocations.get(kind) ?? [], ((await router.ask('allocations')).count - allocated.count) / messages])
      return messages / took
    })
  }
  const what = `gossipsub, ${GOSSIP.peers} peers in the mesh, 1 KiB, ${policy === 'sign' ? 'signed' : 'anonymous'}`
  if (await measure(what, 'messages per s of one core', measures)) {
    const values = Object.fromEntries([...allocations].map(([kind, all]) => [kind, all]))
    await measure(`allocations per message, ${what}`, 'number', Object.fromEntries(Object.entries(values)
      .map(([kind, all]) => [kind, async () => all.shift() ?? NaN])))
  }
}

// A mark: VIVIM against others of the same figure, as a ratio to reach.
const MARKS = [
  [/^one stream, tcp \+ noise/, 'raw TCP', 0.7], [/^one stream, tcp \+ noise/, 'sealed TCP'], [/^one stream, tcp \+ noise/, 'rust', 1.3], [/^one stream, tcp \+ noise/, 'go', 2],
  [/^one stream, (tcp \+ tls|ws)/, 'rust', 1.2], [/^one stream, (tcp \+ tls|ws)/, 'go', 1.2],
  [/^one stream, quic/, 'rust', 1.5], [/^one stream, quic/, 'go', 1.5],
  [/^gossipsub.*anonymous/, 'rust', 3], [/^gossipsub.*anonymous/, 'go', 5], [/^gossipsub.*signed/, 'rust', 3], [/^gossipsub.*signed/, 'go', 5],
  [/^new connections/, 'rust', 2], [/^new connections/, 'go', 3]
]
const FLOORS = [[/^one stream over/, 0.9]]
const LIMITS = [
  [/^ping/, 'raw TCP', 2], [/first byte.*tcp/, 3.3], [/first byte.*quic/, 2.3], [/memory of an idle connection/, 20],
  [/memory of a process with 10000 idle/, 400]
]

function marksOf (figure) {
  const ours = figure.values.vivim
  if (ours?.median === undefined) {
    return []
  }
  const verdict = (ok, words) => `${words}: ${ok ? 'reached' : 'NOT reached'}`
  const ratios = MARKS.filter(([what, other]) => what.test(figure.what) && figure.values[other]?.median !== undefined)
    .map(([, other, least]) => {
      const ratio = ours.median / figure.values[other].median
      const words = `${ratio.toFixed(2)} x ${other}`
      return least === undefined ? words : verdict(ratio >= least, `${words} (mark ${least})`)
    })
  const floors = FLOORS.filter(([what]) => what.test(figure.what))
    .map(([, least]) => verdict(ours.median >= least, `at least ${least} ${figure.unit}`))
  const limits = LIMITS.filter(([what]) => what.test(figure.what)).map(limit => {
    if (limit.length === 2) {
      return verdict(ours.median <= limit[1], `at most ${limit[1]} ${figure.unit}`)
    }
    const ratio = ours.median / figure.values[limit[1]].median
    return verdict(ratio <= limit[2], `${ratio.toFixed(2)} x ${limit[1]} (at most ${limit[2]})`)
  })
  return [...ratios, ...floors, ...limits]
}

function table () {
  const columns = ['raw TCP', 'sealed TCP', ...kinds]
  const rows = figures.map(figure => `| ${[`${figure.what} (${figure.unit})`, ...columns.map(name => text(figure.values[name])), marksOf(figure).join('; ')].join(' | ')} |`)
  return [`| | ${columns.join(' | ')} | marks |`, `|${'---|'.repeat(columns.length + 2)}`, ...rows].join('\n')
}

const QUIC = { transport: 'quic-v1' }
const begun = loadavg()
await throughput(TCP)
await throughput({ ...TCP, security: 'tls' })
await throughput({ ...TCP, transport: 'ws' })
await throughput(QUIC)
await connectionRate(TCP)
await connectionRate(QUIC)
await pings(TCP)
await gossip('anonymous')
await gossip('sign')
await firstByte(TCP)
await firstByte({ ...TCP, security: 'tls' })
await firstByte(QUIC)
await longFat(TCP)
await longFat(QUIC)
await idleConnections(TCP, options.quick ? 300 : 1000)
await manyConnections(options.quick ? 1000 : 10_000)
await idleStreams(options.quick ? 10_000 : 100_000)

const machine = { cores: cpus().length, load: begun }
mkdirSync(`${ROOT}/build/bench`, { recursive: true })
writeFileSync(`${ROOT}/build/bench/libp2p.json`, JSON.stringify({ machine, peers: Object.fromEntries(described), bytes: BYTES, figures }, null, 1))
const about = `${machine.cores} cores; load average before the run ${begun.map(one => one.toFixed(1)).join(', ')}`
console.log(`\n${table()}\n\n${about}`)
if (options.write) {
  const others = kinds.map(kind => `${described.get(kind).name} ${described.get(kind).version}`).join(', ')
  const busy = begun[0] > 0.5
    ? ' The machine was shared with other work during this run: compare within a row, and take no figure as the best that can be had.'
    : ''
  writeFileSync(`${ROOT}/docs/benchmarks.md`, `# Benchmarks

Written by \`scripts/with-node bench/libp2p/bench.mjs --write\` (\`make bench\` runs all benchmarks): ${others}, and a
bare TCP connection, all on loopback and in one run, the peers in turn, each end of a connection on a core of its own. Each figure is the median of ${ROUNDS} round${ROUNDS === 1 ? '' : 's'}, with the lowest
and the highest behind it; a stream carries ${BYTES >> 20} MiB (over the slow link 1024 MiB) in writes of 64 KiB. "Sealed TCP" is the bare connection with each
32 KiB sealed by ChaCha20-Poly1305 on one side and opened on the other, by one thread each: the most that a secured stream can reach. The slow link is \`bench/libp2p/link.cpp\`; it
answers TCP's own handshake at once, so that one round trip is added to TCP's figures. What new QUIC connections spend their
time on: \`vivim/libp2p/quic/README.md\`. Gossipsub: a program of VIVIM's plays ${GOSSIP.peers} peers in the mesh of one router, the first sends and the
others get all; counted is the processor time, user and system, of the router's process, its connections within. The router without
connections: \`libp2p_gossipsub_bench\`.

${about}.${busy}

${table()}
`)
}
