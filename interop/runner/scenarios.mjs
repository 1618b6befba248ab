// Protocols that need more than one connection. A scenario runs with (dialer, listener), once with each side in each
// role; `needs` names the features that a side must have in its role.
import { LISTEN, exchange, flagsOf, require } from './combinations.mjs'
import { whyNoNamespaces, withLonelyNetwork, withNeighbours } from './namespace.mjs'
import { KAD_SCENARIOS } from './kad.mjs'
import { withPeers } from './process.mjs'
import { PUBSUB } from './pubsub.mjs'

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

const LAN = { ip4: '10.77.0.1', ip6: 'fd77::1' }

// The dialer finds the listener by multicast alone, dials what it was told, and bytes go both ways.
const findOver = family => async (dialer, listener) => {
  for (const peer of [listener, dialer]) {
    await peer.ask('listen', { addr: `/${family}/${LAN[family]}/tcp/0` })
    if (peer.kind === 'go') {
      await peer.ask('mdns')
    }
  }
  const { addrs } = await dialer.ask('mdns', { peer: listener.id })
  const tail = `/p2p/${listener.id}`
  const at = addrs.find(address => address.includes(LAN[family]))
  if (at === undefined) {
    throw new Error(`found at ${addrs.join(', ')}`)
  }
  await dialer.ask('dial', { addr: at.endsWith(tail) ? at : at + tail })
  await dialer.ask('ping', { peer: listener.id })
  await dialer.ask('bulk', { peer: listener.id, streams: 1, bytes: RELAYED_BYTES })
  return { ok: true, detail: '' }
}

// rust-libp2p is told which of the two it speaks over.
const mdnsFlags = (kind, family) => ['--mdns', ...(kind === 'rust' && family === 'ip6' ? ['--mdns-v6'] : [])]

function onOneLan (family) {
  return async (dialer, listener) => await withLonelyNetwork(LAN[family], async around => await withPeers(
    [dialer, listener].map(kind => [kind, mdnsFlags(kind, family), around]), findOver(family)))
}

// @libp2p/mdns 12.0.32 passes on no type of socket (src/mdns.ts), and multicast-dns then opens one of IPv4 (index.js).
const JS_MDNS_IS_IPV4 = { mark: '-', detail: 'its package opens sockets of IPv4 only' }

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

// Addresses of the public Internet, in a network of nobody's: private ones are not dialled back, nor is one's own.
const PUBLIC = ['45.77.0.1', '45.77.0.2']

// Foreign peers serve and ask the version that a row is about; VIVIM has both, and asks by what the server has.
export function autonatFlags (kind, role, version) {
  return [role, ...(kind === 'vivim' ? [] : ['--autonat-version', version])]
}

// The dialer asks the listener whether it can be reached: it can.
function reachable (version) {
  return async (dialerKind, listenerKind) => await withNeighbours(PUBLIC, async (here, there) => await withPeers([
    [dialerKind, autonatFlags(dialerKind, '--autonat', version), here],
    [listenerKind, autonatFlags(listenerKind, '--autonat-serve', version), there]
  ], async (dialer, listener) => {
    const candidate = `/ip4/${PUBLIC[0]}/tcp/4001`
    const { addrs: [at] } = await listener.ask('listen', { addr: `/ip4/${PUBLIC[1]}/tcp/4001` })
    await dialer.ask('listen', { addr: candidate })
    await dialer.ask('dial', { addr: at })
    await dialer.ask('identify', { peer: listener.id })
    const told = await dialer.ask('autonat', { peer: listener.id, version, candidate })
    require(told.reachable, `not reachable: ${told.about ?? told.reason}`)
    return { ok: true, detail: '' }
  }))
}

// Its openConnection() answers with the connection that there is, which is not to the address asked about, and then closes it.
const JS_DIALS_NOBODY_BACK = { mark: '-', detail: 'its server takes the connection that asks for its dial, and closes it' }

// Its server ends the stream (after 10 s or less) before its dial of an address that lets nobody in has ended (30 s).
const RUST_TELLS_NOBODY = { mark: '-', detail: 'its server gives up its answer before its dial' }

export function autonatBroken (version, kindOfNat = 'none') {
  return (dialer, kind) => {
    if (dialer === 'vivim' && kind === 'rust' && !['none', 'cone'].includes(kindOfNat)) {
      return RUST_TELLS_NOBODY
    }
    return version === '1' && dialer === 'vivim' && kind === 'js' ? JS_DIALS_NOBODY_BACK : undefined
  }
}

const PLAIN = { transport: 'tcp', security: 'noise', muxer: 'yamux' }

async function byName (dialerKind, listenerKind) {
  const combination = { ...PLAIN, transport: 'wss' }
  const flags = flagsOf(combination)
  await withPeers([[dialerKind, flags], [listenerKind, flags]], (dialer, listener) =>
    exchange(dialer, listener, combination, false, address => address.replace('/tls/ws', '/tls/sni/localhost/ws')))
  return { ok: true, detail: '' }
}

// Those with the key speak with each other; one without it gets nowhere.
async function amongMembers (dialerKind, listenerKind) {
  const member = [...flagsOf(PLAIN), '--private-network']
  return await withPeers([[dialerKind, member], [listenerKind, member], [dialerKind, flagsOf(PLAIN)]], async (dialer, listener, stranger) => {
    await exchange(dialer, listener, PLAIN, true)
    const { addrs: [at] } = await listener.ask('listen', { addr: LISTEN.tcp })
    const entered = await stranger.ask('dial', { addr: at }).then(() => true, () => false)
    require(!entered, 'a stranger entered the private network')
    return { ok: true, detail: '' }
  })
}

// The foreign peer proves itself by a key of this type, with each security protocol.
function identity (type) {
  return async (dialerKind, listenerKind) => {
    for (const security of ['noise', 'tls']) {
      const combination = { ...PLAIN, security }
      const flags = kind => [...flagsOf(combination), ...(kind === 'vivim' ? [] : ['--key', type])]
      await withPeers([[dialerKind, flags(dialerKind)], [listenerKind, flags(listenerKind)]],
        (dialer, listener) => exchange(dialer, listener, combination, false))
    }
    return { ok: true, detail: '' }
  }
}

const NEWS_MS = 15_000

// `teller` listens somewhere else too, and `hearer` gets to know without asking.
async function tellNews (teller, hearer, known) {
  const { addrs } = await teller.ask('listen', { addr: LISTEN.tcp })
  const port = addrs.find(address => !known.includes(address)).split('/')[4]
  for (const end = Date.now() + NEWS_MS; ;) {
    const { listenAddrs } = await hearer.ask('identify', { peer: teller.id })
    if (listenAddrs.some(address => address.includes(`/tcp/${port}`))) {
      return
    }
    require(Date.now() < end, `${hearer.kind} was not told that ${teller.kind} listens on ${port}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

async function pushBothWays (dialerKind, listenerKind) {
  return await withPeers([[dialerKind, []], [listenerKind, []]], async (dialer, listener) => {
    const { addrs } = await listener.ask('listen', { addr: LISTEN.tcp })
    await dialer.ask('dial', { addr: addrs[0] })
    await Promise.all([dialer.ask('identify', { peer: listener.id }), listener.ask('identify', { peer: dialer.id })])
    await tellNews(listener, dialer, addrs)
    await tellNews(dialer, listener, [])
    return { ok: true, detail: '' }
  })
}

const everybody = feature => ({ dialer: [feature], listener: [feature], vivim: [], foreign: [] })

export const SCENARIOS = [
  { name: 'wss by name: /tls/sni', needs: everybody('wss-sni'), run: byName },
  { name: 'private network (pnet)', needs: everybody('pnet'), run: amongMembers },
  ...['secp256k1', 'ecdsa', 'rsa'].map(type => ({
    name: `they have a key of ${type}`,
    needs: { dialer: [], listener: [], vivim: [], foreign: [`key-${type}`] },
    run: identity(type)
  })),
  { name: 'identify/push, both ways', needs: everybody('identify-push'), run: pushBothWays },
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
    needs: everybody('mdns'),
    unavailable: whyNoNamespaces,
    run: onOneLan('ip4')
  },
  {
    name: 'mDNS over IPv6',
    needs: everybody('mdns-v6'),
    missing: kind => kind === 'js' ? JS_MDNS_IS_IPV4 : undefined,
    unavailable: whyNoNamespaces,
    run: onOneLan('ip6')
  },
  {
    name: 'rendezvous, the listener is the point',
    needs: { dialer: ['rendezvous'], listener: ['rendezvous-serve'], vivim: [], foreign: [] },
    run: async (dialer, listener) => await withPeers([[dialer, []], [listener, ['--rendezvous-serve']]], registerAndFind)
  },
  ...['1', '2'].map(version => ({
    name: `AutoNAT v${version}, the listener dials back`,
    needs: { dialer: [`autonat-v${version}-ask`], listener: [`autonat-v${version}-serve`], vivim: [], foreign: [] },
    unavailable: whyNoNamespaces,
    broken: autonatBroken(version),
    run: reachable(version)
  })),
  ...KAD_SCENARIOS,
  ...PUBSUB
]
