// Two peers behind NATs of each kind meet through our relay, and then without it (DCUtR). Prints a line for each pair.
//
//   scripts/with-node interop/nat/nat.mjs [--transport tcp|quic-v1] [--peers vivim,vivim]
import { parseArgs } from 'node:util'

import { withPeers } from '../runner/process.mjs'
import { KINDS, whyNot, withLab } from './lab.mjs'

const { values } = parseArgs({
  options: { transport: { type: 'string', default: 'tcp' }, peers: { type: 'string', default: 'vivim,vivim' } }
})
const [kindOfA, kindOfB] = values.peers.split(',')
const LISTEN = { tcp: '/tcp/4001', 'quic-v1': '/udp/4001/quic-v1' }
const DIRECT_MS = 45_000

// What cannot work: where one side's port is another for each peer, and the other lets only known ports in.
const hopeless = (a, b) => [a, b].includes('symmetric') && !([a, b].includes('cone'))

async function punch (relay, a, b) {
  const place = LISTEN[values.transport]
  const { addrs: [at] } = await relay.ask('listen', { addr: `/ip4/203.0.113.1${place}` })
  await a.ask('listen', { addr: `/ip4/10.0.1.2${place}` })
  await b.ask('listen', { addr: `/ip4/10.0.2.2${place}` })
  const { addrs: [circuit] } = await b.ask('relay-reserve', { addr: at })
  await a.ask('dial', { addr: circuit })
  const { remote } = await a.ask('direct', { peer: b.id }, DIRECT_MS)
  await a.ask('bulk', { peer: b.id, streams: 1, bytes: 1_048_576 })
  return remote
}

const missing = whyNot()
if (missing !== undefined) {
  console.log(`skipped: ${missing}`)
  process.exit(0)
}
const flags = ['--transport', values.transport]
let wrong = 0
for (const a of KINDS) {
  for (const b of KINDS) {
    const outcome = await withLab(a, b, async around =>
      await withPeers([['vivim', [...flags, '--relay-serve'], around.relay], [kindOfA, [...flags, '--dcutr', '--private'], around.a],
        [kindOfB, [...flags, '--dcutr', '--private'], around.b]], punch)).catch(error => error)
    const met = !(outcome instanceof Error)
    wrong += met || hopeless(a, b) ? 0 : 1
    console.log(`${values.transport}  ${a} - ${b}: ${met ? `direct, at ${outcome}` : `${outcome.message}${hopeless(a, b) ? ' (as expected)' : ''}`}`)
  }
}
process.exit(wrong === 0 ? 0 : 1)
