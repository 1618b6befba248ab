// A js-libp2p peer for the interop tests: one JSON object a line on standard input asks, one on standard output answers
// (interop/README.md has the protocol). It ends when its standard input does.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { noise } from '@chainsafe/libp2p-noise'
import { quic } from '@chainsafe/libp2p-quic'
import { yamux } from '@chainsafe/libp2p-yamux'
import { autoNAT } from '@libp2p/autonat'
import { autoNATv2 } from '@libp2p/autonat-v2'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { dcutr } from '@libp2p/dcutr'
import { identify, identifyPush } from '@libp2p/identify'
import { mdns } from '@libp2p/mdns'
import { mplex } from '@libp2p/mplex'
import { ping } from '@libp2p/ping'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { kadCommands, makeKad } from './libp2p-kad.mjs'
import { BULK, STREAM_LIMITS, runBulk, serveBulk } from './bulk.mjs'
import { PERF, runPerf, servePerf } from './perf.mjs'
import { pubsub, pubsubCommands } from './pubsub.mjs'

const PACKAGES = JSON.parse(readFileSync(new URL('package.json', import.meta.url))).dependencies
// A hole is punched from the port that others have seen: js-libp2p's TCP takes another for each dial unless told.
const PUNCH_PORT = 4002
const TRANSPORTS = {
  tcp: () => tcp({ dialOpts: choice.dcutr ? { localPort: PUNCH_PORT } : undefined }),
  ws: webSockets,
  wss: () => webSockets({ https: { cert: secret('chain.pem'), key: secret('key.pem') } }), // trusts NODE_EXTRA_CA_CERTS
  'quic-v1': quic
}
const SECURITIES = { noise, tls }
// js-libp2p's mplex closes a connection on which a peer opens more than 5 streams in a second, unless told otherwise.
const MUXERS = { yamux, mplex: () => mplex({ disconnectThreshold: 1000 }) }
const KEYS = { ed25519: 'Ed25519', secp256k1: 'secp256k1', rsa: 'RSA' } // it makes no peer id of an ECDSA key
const PATIENCE = 30_000

const DESCRIPTION = {
  name: 'js-libp2p',
  version: `v${PACKAGES.libp2p}`,
  transports: Object.keys(TRANSPORTS),
  securities: Object.keys(SECURITIES),
  muxers: Object.keys(MUXERS),
  keys: Object.keys(KEYS),
  features: ['perf', 'wss-sni', 'pnet', 'identify-push', 'relay-serve', 'relay-reserve', 'dcutr', 'dcutr-tcp', 'dcutr-quic-v1', 'autonat-v1-ask', 'autonat-v1-serve',
    'autonat-v2-ask', 'autonat-v2-serve', 'mdns', 'pubsub', 'kad']
}

const { values: choice } = parseArgs({
  strict: false,
  options: {
    transport: { type: 'string', default: 'tcp' },
    security: { type: 'string', default: 'noise' },
    muxer: { type: 'string', default: 'yamux' },
    key: { type: 'string', default: 'ed25519' },
    secrets: { type: 'string', default: '' },
    'autonat-version': { type: 'string', default: '' },
    pubsub: { type: 'string', default: '' }
  }
})

function print (line) {
  process.stdout.write(JSON.stringify(line) + '\n')
}

if (choice.describe) {
  print(DESCRIPTION)
  process.exit(0)
}

function secret (name) {
  return readFileSync(`${choice.secrets}/${name}`)
}

function chosen (table, name) {
  if (table[name] === undefined) {
    throw new Error(`this peer has no ${name}`)
  }
  return table[name]
}

const known = { identified: new Map(), discovered: new Map(), seenAt: new Set() }

// Where others see this peer, and the port that it listens on there, which a router may let everybody in at. js-libp2p offers
// such an address for hole punching only once somebody has reached it, which nobody can who needs a hole: an application has
// to name it.
function seen () {
  if (!choice.dcutr) {
    return []
  }
  const listening = node.components.transportManager.getAddrs().map(String).filter(address => !isRelayed(address))
  const there = [...known.seenAt].flatMap(address => listening.map(own => withHost(own, address.split('/')[2])))
  return [...new Set([...known.seenAt, ...there])].map(address => multiaddr(address))
}

function withHost (address, host) {
  return address.split('/').with(2, host).join('/')
}

async function makeNode () {
  const services = {
    identify: identify({ runOnLimitedConnection: true }),
    identifyPush: identifyPush({ runOnLimitedConnection: true }),
    ping: ping({ runOnLimitedConnection: true })
  }
  if (choice['relay-serve']) {
    services.relay = circuitRelayServer()
  }
  if (choice.dcutr) {
    services.dcutr = dcutr()
  }
  if (choice.kad) {
    services.dht = makeKad()
  }
  if ((choice.autonat || choice['autonat-serve']) && choice['autonat-version'] !== '2') {
    services.autonat = autoNAT()
  }
  if ((choice.autonat || choice['autonat-serve']) && choice['autonat-version'] !== '1') {
    services.autonatV2 = autoNATv2()
  }
  if (choice.pubsub !== '') {
    services.pubsub = pubsub(choice.pubsub)
  }
  const node = await createLibp2p({
    privateKey: await generateKeyPair(chosen(KEYS, choice.key)),
    connectionProtector: choice['private-network'] ? preSharedKey({ psk: secret('swarm.key') }) : undefined,
    addresses: { announceFilter: own => [...own, ...seen()] },
    nodeInfo: { name: 'vivim-interop-js', version: '1.0.0' },
    transports: [chosen(TRANSPORTS, choice.transport)(), circuitRelayTransport()],
    connectionEncrypters: [chosen(SECURITIES, choice.security)()],
    streamMuxers: [chosen(MUXERS, choice.muxer)()],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionManager: { inboundConnectionThreshold: 10_000, maxIncomingPendingConnections: 1000 },
    peerDiscovery: choice.mdns ? [mdns({ interval: 1000 })] : [],
    services
  })
  node.addEventListener('peer:identify', event => {
    known.identified.set(event.detail.peerId.toString(), event.detail)
    if (event.detail.observedAddr != null && !isRelayed(event.detail.observedAddr.toString())) {
      known.seenAt.add(event.detail.observedAddr.toString())
    }
  })
  node.addEventListener('peer:discovery', event => known.discovered.set(event.detail.id.toString(), event.detail.multiaddrs))
  await node.handle(BULK, serveBulk, STREAM_LIMITS)
  await node.handle(PERF, servePerf, STREAM_LIMITS)
  return node
}

const isRelayed = address => address.includes('/p2p-circuit')

const node = await makeNode()

async function waitFor (what, asked, check) {
  const end = performance.now() + (asked.timeoutMs ?? PATIENCE)
  for (;;) {
    const found = check()
    if (found) {
      return found
    }
    if (performance.now() > end) {
      throw new Error(`${what}: not in time`)
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

function connectionsWith (peer) {
  return node.getConnections().filter(one => one.remotePeer.toString() === peer && one.status === 'open')
}

// The newest connection with the peer that a request names; a direct one, where there is one.
function connectionOf (asked) {
  const all = connectionsWith(asked.peer)
  const found = all.findLast(one => one.limits == null) ?? all.at(-1)
  if (found === undefined) {
    throw new Error('not connected')
  }
  return found
}

function tell (connection) {
  return {
    peer: connection.remotePeer.toString(),
    security: connection.encryption,
    muxer: connection.multiplexer,
    remote: connection.remoteAddr.toString(),
    limited: connection.limits != null
  }
}

function ownAddresses (filter) {
  return node.getMultiaddrs().map(String).filter(filter)
}

const COMMANDS = {
  ...pubsubCommands(node.services.pubsub),
  async listen (asked) {
    await node.components.transportManager.listen([multiaddr(asked.addr)])
    // Not getMultiaddrs(): that leaves out public addresses that nobody has confirmed.
    const own = node.components.transportManager.getAddrs().map(String)
    return { addrs: own.filter(address => !isRelayed(address)).map(address => `${address}/p2p/${node.peerId}`) }
  },
  async dial (asked) {
    const begin = performance.now()
    const connection = await node.dial(multiaddr(asked.addr))
    return { ms: performance.now() - begin, ...tell(connection) }
  },
  async peers () {
    return { peers: node.getConnections().map(tell) }
  },
  async ping (asked) {
    const connection = connectionOf(asked)
    const ms = []
    for (let left = asked.count ?? 1; left > 0; left--) {
      const begin = performance.now()
      await node.services.ping.ping(connection.remotePeer)
      ms.push(performance.now() - begin)
    }
    return { ms }
  },
  async identify (asked) {
    const info = await waitFor('identify', asked, () => known.identified.get(asked.peer))
    return {
      agent: info.agentVersion,
      protocols: info.protocols,
      listenAddrs: info.listenAddrs.map(String),
      observedAddr: info.observedAddr?.toString()
    }
  },
  bulk: asked => runBulk(connectionOf(asked), asked.streams ?? 1, asked.bytes ?? 0),
  perf: asked => runPerf(connectionOf(asked), asked.upload ?? 0, asked.download ?? 0),
  async 'relay-reserve' (asked) {
    await node.components.transportManager.listen([multiaddr(`${asked.addr}/p2p-circuit`)])
    const addrs = await waitFor('reservation', asked, () => {
      const all = ownAddresses(isRelayed)
      return all.length > 0 && all
    })
    return { addrs }
  },
  async direct (asked) {
    const found = await waitFor('direct connection', asked,
      () => connectionsWith(asked.peer).find(one => !isRelayed(one.remoteAddr.toString())))
    return { remote: found.remoteAddr.toString() }
  },
  async mdns (asked) {
    const found = asked.peer === undefined ? [] : await waitFor('mDNS', asked, () => known.discovered.get(asked.peer))
    return { addrs: found.map(String) }
  },
  // Its services ask on their own; it believes that an address which it listens on is reachable after one good answer.
  async autonat (asked) {
    const found = await waitFor('AutoNAT', asked, () => node.components.addressManager.getAddressesWithMetadata()
      .find(one => one.verified && one.type === 'transport' && one.lastVerified != null))
    return { reachable: true, about: found.multiaddr.toString() }
  },
  async disconnect (asked) {
    await Promise.all(connectionsWith(asked.peer).map(one => one.close()))
  },
  ...(choice.kad ? kadCommands(node, waitFor) : {})
}

async function answer (asked) {
  try {
    if (COMMANDS[asked.cmd] === undefined) {
      throw new Error(`no such command: ${asked.cmd}`)
    }
    print({ ...await COMMANDS[asked.cmd](asked), ok: true, id: asked.id })
  } catch (error) {
    process.stderr.write(`${asked.cmd}: ${error.stack}\n`)
    print({ ok: false, error: error.message, id: asked.id })
  }
}

print({ ...DESCRIPTION, event: 'ready', peer: node.peerId.toString() })
for await (const line of createInterface({ input: process.stdin })) {
  answer(JSON.parse(line))
}
await node.stop()
process.exit(0)
