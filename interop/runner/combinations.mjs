// Transport x security x muxer: connect, identify, ping, bytes both ways, perf; each side dials.
import { withPeers } from './process.mjs'

export const LISTEN = {
  tcp: '/ip4/127.0.0.1/tcp/0',
  ws: '/ip4/127.0.0.1/tcp/0/ws',
  wss: '/ip4/127.0.0.1/tcp/0/tls/ws',
  'quic-v1': '/ip4/127.0.0.1/udp/0/quic-v1'
}
const STREAMS = 8
const STREAM_BYTES = 1_310_720 // 10 MiB on all streams, each way
const PERF_BYTES = 4 << 20

// Every combination that some peer has: { transport, security, muxer }; the latter two absent for QUIC.
export function combinations () {
  const all = []
  for (const transport of ['tcp', 'ws', 'wss']) {
    for (const security of ['noise', 'tls']) {
      for (const muxer of ['yamux', 'mplex']) {
        all.push({ transport, security, muxer })
      }
    }
  }
  return [...all, { transport: 'quic-v1' }]
}

export function nameOf (combination) {
  return Object.values(combination).join(' + ')
}

export function has (description, { transport, security, muxer }) {
  return description.transports.includes(transport) &&
    (security === undefined || description.securities.includes(security)) &&
    (muxer === undefined || description.muxers.includes(muxer))
}

export function flagsOf (combination) {
  return Object.entries(combination).flatMap(([key, value]) => [`--${key}`, value])
}

export function require (condition, text) {
  if (!condition) {
    throw new Error(text)
  }
}

async function checkIdentify (by, of, agent) {
  const info = await by.ask('identify', { peer: of.id })
  require(info.agent.includes(agent), `${by.kind} sees the agent '${info.agent}'`)
  for (const protocol of ['/ipfs/ping/1.0.0', '/ipfs/id/1.0.0', '/vivim/interop/bulk/1.0.0']) {
    require(info.protocols.includes(protocol), `${by.kind} does not see ${protocol}`)
  }
}

// A peer that says what a connection is made of must say what was asked for.
function checkMadeOf (told, { security, muxer }) {
  const same = (given, wanted) => !given || wanted === undefined || given.includes(wanted)
  require(same(told.security, security), `secured by ${told.security}`)
  require(same(told.muxer, muxer), `multiplexed by ${told.muxer}`)
}

// Everything that a connection is good for. `via` rewrites the address that is dialled.
export async function exchange (dialer, listener, combination, perf, via = address => address) {
  const { addrs } = await listener.ask('listen', { addr: LISTEN[combination.transport] })
  const dialled = await dialer.ask('dial', { addr: via(addrs[0]) })
  require(dialled.peer === listener.id, `${dialled.peer} answered`)
  checkMadeOf(dialled, combination)
  await Promise.all([checkIdentify(dialer, listener, `interop`), checkIdentify(listener, dialer, `interop`)])
  const { ms: [there] } = await dialer.ask('ping', { peer: listener.id })
  await listener.ask('ping', { peer: dialer.id })
  const { seconds } = await dialer.ask('bulk', { peer: listener.id, streams: STREAMS, bytes: STREAM_BYTES })
  await listener.ask('bulk', { peer: dialer.id, streams: 2, bytes: 100_000 })
  if (perf) {
    await dialer.ask('perf', { peer: listener.id, upload: PERF_BYTES, download: PERF_BYTES })
    await listener.ask('perf', { peer: dialer.id, upload: PERF_BYTES, download: PERF_BYTES })
  }
  const rate = STREAMS * STREAM_BYTES / seconds / 1e6
  return { ok: true, detail: `${rate.toFixed(0)} MB/s, ping ${there.toFixed(1)} ms` }
}

export async function runCombination (dialerKind, listenerKind, combination, perf) {
  const flags = flagsOf(combination)
  return await withPeers([[dialerKind, flags], [listenerKind, flags]],
    (dialer, listener) => exchange(dialer, listener, combination, perf))
}
