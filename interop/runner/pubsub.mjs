// Gossipsub in meshes of several implementations: every message reaches every node, once.
import { LISTEN, require } from './combinations.mjs'
import { describe, withPeers } from './process.mjs'

const TOPIC = '/vivim/circles/interop'
const PATIENCE_MS = 30_000
const LARGE = 6000 // bytes: worth an IDONTWANT everywhere
const PROBE = 'probe of '

async function until (what, check) {
  for (const end = Date.now() + PATIENCE_MS; ;) {
    const missing = await check()
    if (missing === undefined) {
      return
    }
    require(Date.now() < end, `${what}: ${missing}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

const name = (peer, all) => `${peer.kind} ${all.indexOf(peer)}`

// Publishes once more at every node, and says which of them is not heard of by whom yet: what comes through says that
// the meshes are there, which not every implementation tells.
async function probe (peers) {
  for (const [i, peer] of peers.entries()) {
    const round = (peer.probes = (peer.probes ?? 0) + 1)
    await peer.ask('pubsub-publish', { topic: TOPIC, text: `${PROBE}${i}: ${round}`, bytes: 0 })
  }
  for (const peer of peers) {
    const { texts } = await peer.ask('pubsub-received', { topic: TOPIC })
    const silent = peers.findIndex((one, at) => one !== peer && !texts.some(text => text.startsWith(`${PROBE}${at}: `)))
    if (silent !== -1) {
      return `${name(peer, peers)} hears nothing of ${name(peers[silent], peers)}`
    }
  }
}

// `links`: who dials whom. All subscribe, all know of their neighbours, each publishes, all get all.
async function gossip (peers, links) {
  const addresses = await Promise.all(peers.map(peer => peer.ask('listen', { addr: LISTEN.tcp })))
  await Promise.all(peers.map(peer => peer.ask('pubsub-subscribe', { topic: TOPIC })))
  const neighbours = peers.map(() => new Set())
  for (const [from, to] of links) {
    await peers[from].ask('dial', { addr: addresses[to].addrs[0] })
    neighbours[from].add(peers[to].id)
    neighbours[to].add(peers[from].id)
  }
  await until('subscriptions', async () => {
    for (const [i, peer] of peers.entries()) {
      const known = (await peer.ask('pubsub-peers', { topic: TOPIC })).peers
      const missing = [...neighbours[i]].find(id => !known.includes(id))
      if (missing !== undefined) {
        return `${name(peer, peers)} does not know that ${name(peers.find(one => one.id === missing), peers)} is in the topic`
      }
    }
  })
  await until('meshes', () => probe(peers))
  const sent = []
  for (const [i, peer] of peers.entries()) {
    for (const bytes of [0, LARGE]) {
      const text = `${name(peer, peers)}: ${bytes}`
      sent.push({ from: i, text })
      await peer.ask('pubsub-publish', { topic: TOPIC, text, bytes })
    }
  }
  await until('messages', async () => {
    for (const [i, peer] of peers.entries()) {
      const { texts } = await peer.ask('pubsub-received', { topic: TOPIC })
      const lost = sent.find(one => one.from !== i && !texts.includes(one.text))
      if (lost !== undefined) {
        return `${name(peer, peers)} did not get "${lost.text}"`
      }
      const twice = texts.find((text, at) => texts.indexOf(text) !== at)
      require(twice === undefined, `${name(peer, peers)} got "${twice}" twice`)
    }
  })
  return { ok: true, detail: `${peers.length} nodes, ${sent.length} messages` }
}

// Every other node of a line is of the other kind: each message passes through all of them.
function line (policy) {
  return async (dialer, listener) => {
    const flags = ['--pubsub', policy]
    const kinds = [dialer, listener, dialer, listener, dialer]
    const links = [[0, 1], [2, 1], [2, 3], [4, 3]] // the dialer's dial
    return await withPeers(kinds.map(kind => [kind, flags]), (...peers) => gossip(peers, links))
  }
}

// Two of each kind that is there, the dialer's first, each joined with three others.
function mesh (policy) {
  return async (dialer, listener) => {
    const others = ['vivim', 'go', 'rust', 'js'].filter(kind => kind !== dialer && kind !== listener && describe(kind)?.features.includes('pubsub'))
    const kinds = [dialer, listener, ...others]
    const all = [...kinds, ...kinds].map(kind => [kind, ['--pubsub', policy]])
    const links = all.flatMap((_, i) => [1, 3].map(step => [i, (i + step) % all.length]))
    return await withPeers(all, (...peers) => gossip(peers, links))
  }
}

const everybody = { dialer: ['pubsub'], listener: ['pubsub'], vivim: [], foreign: [] }

export const PUBSUB = [
  { name: 'gossipsub, signed, a line of five', needs: everybody, run: line('sign') },
  { name: 'gossipsub, anonymous, a line of five', needs: everybody, run: line('anonymous') },
  { name: 'gossipsub, signed, a mesh of all', needs: everybody, run: mesh('sign') },
  { name: 'gossipsub, anonymous, a mesh of all', needs: everybody, run: mesh('anonymous') }
]
