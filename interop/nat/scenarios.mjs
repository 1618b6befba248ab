// Peers behind NATs of each kind: they meet through our relay and go on without it (DCUtR), or ask a server whether they
// can be reached (AutoNAT). A scenario runs with (dialer, listener), as those of runner/scenarios.mjs.
import { autonatBroken, autonatFlags } from '../runner/scenarios.mjs'
import { require } from '../runner/combinations.mjs'
import { withPeers } from '../runner/process.mjs'
import { AT, KINDS, whyNot, withLab } from './lab.mjs'

const LISTEN = { tcp: '/tcp/4001', 'quic-v1': '/udp/4001/quic-v1' }
const DIRECT_MS = 45_000
const READY_MS = 15_000
const RELAYED_MS = 12_000
const DIRECT_BYTES = 1_048_576
const RELAYED_BYTES = 8192

// What cannot work: one side's port is another for each peer that it speaks with, and the other lets only known ports in.
export const hopeless = (a, b) => [a, b].includes('symmetric') && ![a, b].includes('cone')

// go-libp2p begins to punch holes when it has been told where others see it, and then says that it speaks the protocol.
// rust-libp2p and js-libp2p offer on a relayed connection what they had been told before.
async function readyToPunch (relay, at, peer) {
  if (peer.kind === 'vivim') {
    return
  }
  await peer.ask('dial', { addr: at })
  if (peer.kind !== 'go') {
    await peer.ask('identify', { peer: relay.id })
    return
  }
  for (const end = Date.now() + READY_MS; ;) {
    const { protocols } = await relay.ask('identify', { peer: peer.id })
    if (protocols.includes('/libp2p/dcutr')) {
      return
    }
    require(Date.now() < end, 'go does not offer DCUtR')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

async function meet (transport, relay, a, b) {
  const place = LISTEN[transport]
  const { addrs: [at] } = await relay.ask('listen', { addr: `/ip4/${AT.relay}${place}` })
  await a.ask('listen', { addr: `/ip4/${AT.a}${place}` })
  await b.ask('listen', { addr: `/ip4/${AT.b}${place}` })
  const { addrs: [circuit] } = await b.ask('relay-reserve', { addr: at })
  await Promise.all([readyToPunch(relay, at, a), readyToPunch(relay, at, b)])
  await a.ask('dial', { addr: circuit })
}

// They become direct neighbours; where that cannot be, the relayed connection stays.
async function punch (transport, possible, relay, a, b) {
  await meet(transport, relay, a, b)
  const direct = a.ask('direct', { peer: b.id }, possible ? DIRECT_MS : RELAYED_MS)
  if (possible) {
    const { remote } = await direct
    await a.ask('bulk', { peer: b.id, streams: 1, bytes: DIRECT_BYTES })
    return { ok: true, detail: remote }
  }
  require(!await direct.then(() => true, () => false), 'direct, against all theory')
  await a.ask('bulk', { peer: b.id, streams: 1, bytes: RELAYED_BYTES })
  return { ok: true, detail: 'stays relayed, as it must' }
}

export async function punchBetween (transport, kindOfA, kindOfB, dialer, listener) {
  const flags = ['--transport', transport]
  const home = [...flags, '--dcutr', '--private']
  return await withLab(kindOfA, kindOfB, async around => await withPeers(
    [['vivim', [...flags, '--relay-serve'], around.relay], [dialer, home, around.a], [listener, home, around.b]],
    (relay, a, b) => punch(transport, !hopeless(kindOfA, kindOfB), relay, a, b)))
}

// Only who is behind a NAT that lets everybody in can be reached.
async function askBehind (kind, version, dialerKind, listenerKind) {
  return await withLab(kind, 'cone', async around => await withPeers([
    [dialerKind, autonatFlags(dialerKind, '--autonat', version), around.a],
    [listenerKind, autonatFlags(listenerKind, '--autonat-serve', version), around.relay]
  ], async (asker, server) => {
    const { addrs: [at] } = await server.ask('listen', { addr: `/ip4/${AT.relay}${LISTEN.tcp}` })
    await asker.ask('listen', { addr: `/ip4/${AT.a}${LISTEN.tcp}` })
    await asker.ask('dial', { addr: at })
    await asker.ask('identify', { peer: server.id })
    const candidate = `/ip4/${AT.natA}${LISTEN.tcp}`
    const { reachable } = await asker.ask('autonat', { peer: server.id, version, candidate })
    require(reachable === (kind === 'cone'), `said to be ${reachable ? '' : 'not '}reachable`)
    return { ok: true, detail: reachable ? 'reachable' : 'not reachable' }
  }))
}

function whyNoLab () {
  const missing = whyNot()
  return missing === undefined ? undefined : { mark: 'skipped', detail: missing }
}

const pairs = KINDS.flatMap(a => KINDS.map(b => [a, b]))

export const HOLE_PUNCHES = Object.keys(LISTEN).flatMap(transport => pairs.map(([a, b]) => ({
  name: `${transport}: ${a} - ${b}`,
  needs: { dialer: ['dcutr'], listener: ['dcutr'], vivim: ['relay-serve'], foreign: [`dcutr-${transport}`] },
  unavailable: whyNoLab,
  run: async (dialer, listener) => await punchBetween(transport, a, b, dialer, listener)
})))

export const REACHABILITIES = ['1', '2'].flatMap(version => KINDS.map(kind => ({
  name: `AutoNAT v${version} asked behind a ${kind} NAT`,
  needs: {
    dialer: [`autonat-v${version}-ask`, 'autonat-behind-nat'], listener: [`autonat-v${version}-serve`], vivim: [], foreign: []
  },
  unavailable: whyNoLab,
  broken: autonatBroken(version, kind),
  run: async (dialer, listener) => await askBehind(kind, version, dialer, listener)
})))
