// Protocols that need more than one connection. A scenario runs with (dialer, listener), once with each side in each
// role; `needs` names the features that a side must have in its role.
import { LISTEN } from './combinations.mjs'
import { whyNoNamespaces, withLonelyNetwork } from './namespace.mjs'
import { withPeers } from './process.mjs'

// A relayed connection carries 128 KiB each way by default, the noise of its own handshakes included.
const RELAYED_BYTES = 32_768

// `listener` is dialled by `dialer` through `relay`; bytes go both ways over the circuit.
async function meet (relay, listener, dialer) {
  const { addrs: [at] } = await relay.ask('listen', { addr: LISTEN.tcp })
  const { addrs: [circuit] } = await listener.ask('relay-reserve', { addr: at })
  const dialled = await dialer.ask('dial', { addr: circuit })
  if (dialled.peer !== listener.id) {
    throw new Error(`${dialled.peer} answered`)
  }
  if (dialled.limited !== true) {
    throw new Error('the dialer does not know that the connection is limited')
  }
  await dialer.ask('ping', { peer: listener.id })
  await dialer.ask('bulk', { peer: listener.id, streams: 1, bytes: RELAYED_BYTES })
  return { ok: true, detail: '' }
}

function relayed (relayOf) {
  return async (dialer, listener) => await withPeers(
    [[relayOf(dialer, listener), ['--relay-serve']], [listener, []], [dialer, []]], meet)
}

const LAN = '10.77.0.1'

// The dialer finds the listener by multicast alone, dials what it was told, and bytes go both ways.
async function find (dialer, listener) {
  for (const peer of [listener, dialer]) {
    await peer.ask('listen', { addr: `/ip4/${LAN}/tcp/0` })
    if (peer.kind === 'go') {
      await peer.ask('mdns')
    }
  }
  const { addrs } = await dialer.ask('mdns', { peer: listener.id })
  const tail = `/p2p/${listener.id}`
  const at = addrs.find(address => address.includes(LAN))
  if (at === undefined) {
    throw new Error(`found at ${addrs.join(', ')}`)
  }
  await dialer.ask('dial', { addr: at.endsWith(tail) ? at : at + tail })
  await dialer.ask('ping', { peer: listener.id })
  await dialer.ask('bulk', { peer: listener.id, streams: 1, bytes: RELAYED_BYTES })
  return { ok: true, detail: '' }
}

async function onOneLan (dialer, listener) {
  return await withLonelyNetwork(LAN, async around =>
    await withPeers([[dialer, ['--mdns'], around], [listener, ['--mdns'], around]], find))
}

const foreign = (dialer, listener) => dialer === 'vivim' ? listener : dialer

// The dialer registers with the listener, and finds itself there.
async function registerAndFind (dialer, listener) {
  const { addrs: [at] } = await listener.ask('listen', { addr: LISTEN.tcp })
  await dialer.ask('listen', { addr: LISTEN.tcp })
  await dialer.ask('dial', { addr: at })
  const space = { peer: listener.id, namespace: 'vivim-interop' }
  const { ttl } = await dialer.ask('rendezvous-register', space)
  const { peers } = await dialer.ask('rendezvous-discover', space)
  if (!peers.includes(dialer.id)) {
    throw new Error(`found ${peers.length} peers, not the one that registered`)
  }
  return { ok: true, detail: `for ${ttl / 3600} h` }
}

// An address of the public Internet, in a network of nobody's: private ones are not dialled back.
const PUBLIC = '45.77.0.1'

// The dialer asks the listener whether it can be reached: it can.
function reachable (version) {
  return async (dialerKind, listenerKind) => await withLonelyNetwork(PUBLIC, async around => await withPeers(
    [[dialerKind, ['--autonat'], around], [listenerKind, ['--autonat-serve'], around]], async (dialer, listener) => {
      const { addrs: [at] } = await listener.ask('listen', { addr: `/ip4/${PUBLIC}/tcp/0` })
      await dialer.ask('listen', { addr: `/ip4/${PUBLIC}/tcp/0` })
      await dialer.ask('dial', { addr: at })
      await dialer.ask('identify', { peer: listener.id })
      const told = await dialer.ask('autonat', { peer: listener.id, version })
      if (!told.reachable) {
        throw new Error(`not reachable: ${told.about ?? told.reason}`)
      }
      return { ok: true, detail: '' }
    }))
}

export const SCENARIOS = [
  {
    name: 'relay v2, VIVIM relays',
    needs: { dialer: [], listener: ['relay-reserve'], vivim: ['relay-serve'], foreign: [] },
    run: relayed(() => 'vivim')
  },
  {
    name: 'relay v2, they relay',
    needs: { dialer: [], listener: ['relay-reserve'], vivim: [], foreign: ['relay-serve'] },
    run: relayed(foreign)
  },
  {
    name: 'relay v2, VIVIM relays two of theirs',
    needs: { dialer: [], listener: ['relay-reserve'], vivim: ['relay-serve'], foreign: ['relay-reserve'] },
    only: 'foreign dials',
    run: async (dialer, listener) => await relayed(() => 'vivim')(foreign(dialer, listener), foreign(dialer, listener))
  },
  {
    name: 'mDNS',
    needs: { dialer: ['mdns'], listener: ['mdns'], vivim: [], foreign: [] },
    unavailable: whyNoNamespaces,
    run: onOneLan
  },
  {
    name: 'rendezvous, the listener is the point',
    needs: { dialer: ['rendezvous'], listener: ['rendezvous-serve'], vivim: [], foreign: [] },
    run: async (dialer, listener) => await withPeers([[dialer, []], [listener, ['--rendezvous-serve']]], registerAndFind)
  },
  ...['1', '2'].map(version => ({
    name: `AutoNAT v${version}, the listener dials back`,
    version,
    needs: { dialer: [`autonat-v${version}-ask`], listener: [`autonat-v${version}-serve`], vivim: [], foreign: [] },
    unavailable: whyNoNamespaces,
    unsolved: version === '1' ? { js: 'js-libp2p ends the stream without an answer' } : {},
    run: reachable(version)
  }))
]
