// The DHT: what one puts or provides, the others find.
import { createHash } from 'node:crypto'
import { LISTEN, require } from './combinations.mjs'
import { describe, withPeers } from './process.mjs'

const KAD = ['--kad']
const SHA2_256 = '1220'
const MIXED_PEERS = 2 // of each kind

const contentOf = text => SHA2_256 + createHash('sha256').update(text).digest('hex')
const hex = text => Buffer.from(text).toString('hex')

// Everybody listens, and dials the first; then everybody has the others, or at least two of them, in the table.
async function form (peers) {
  const at = []
  for (const peer of peers) {
    at.push((await peer.ask('listen', { addr: LISTEN.tcp })).addrs[0])
  }
  for (const [index, peer] of peers.entries()) {
    for (const address of at.slice(0, index)) {
      await peer.ask('dial', { addr: address })
    }
  }
  await Promise.all(peers.map(peer => peer.ask('kad-wait', { count: Math.min(peers.length - 1, 4) })))
}

async function findsContent (finder, provider, key) {
  const { peers } = await finder.ask('kad-providers', { key }, 60_000)
  require(peers.includes(provider.id), `${finder.kind} finds ${peers.length} providers, not ${provider.kind}`)
}

async function getsValue (getter, key, value, whose) {
  const got = await getter.ask('kad-get', { key }, 60_000)
  require(got.value === value, `${getter.kind} gets another value than ${whose} put`)
}

// Each provides something and puts its key; what VIVIM signs, it publishes too. Everybody finds and gets everything.
async function exchange (peers) {
  for (const [index, peer] of peers.entries()) {
    const key = contentOf(`content of ${peer.id} ${index}`)
    await peer.ask('kad-provide', { key }, 60_000)
    const own = await peer.ask('kad-put-own-key', {}, 60_000)
    const signed = peer.kind === 'vivim' ? await peer.ask('kad-publish', { name: 'profile', value: hex('hello') }, 60_000) : undefined
    for (const other of peers.filter(one => one !== peer)) {
      await findsContent(other, peer, key)
      await getsValue(other, own.key, own.value, peer.kind)
      if (signed !== undefined) {
        await getsValue(other, signed.key, signed.value, peer.kind)
      }
    }
  }
}

async function findEachOther (peers) {
  for (const peer of peers) {
    for (const other of peers.filter(one => one !== peer)) {
      const { addrs } = await peer.ask('kad-find', { peer: other.id }, 60_000)
      require(addrs.length > 0, `${peer.kind} does not find ${other.kind}`)
    }
  }
}

const starting = kinds => kinds.map(kind => [kind, KAD])

async function ofTwoKinds (dialer, listener) {
  return await withPeers(starting([listener, dialer, listener, dialer]), async (...peers) => {
    await form(peers)
    await exchange(peers)
    await findEachOther(peers)
    return { ok: true, detail: '' }
  })
}

const FOREIGN = ['go', 'rust', 'js']
const present = () => FOREIGN.filter(kind => describe(kind)?.features.includes('kad'))

// A network of all kinds that are there.
async function ofAllKinds () {
  const all = ['vivim', ...present()].flatMap(kind => Array(MIXED_PEERS).fill(kind))
  return await withPeers(starting(all), async (...peers) => {
    await form(peers)
    await exchange(peers)
    return { ok: true, detail: `${peers.length} nodes` }
  })
}

const needs = { dialer: ['kad'], listener: ['kad'], vivim: [], foreign: [] }

export const KAD_SCENARIOS = [
  { name: 'DHT: provide and find, put and get, find peers', needs, run: ofTwoKinds },
  {
    name: 'DHT: one network of all, everybody finds everything',
    needs,
    only: 'foreign dials',
    broken: (dialer, kind) => kind === present()[0] ? undefined : { mark: '' }, // once is enough
    run: ofAllKinds
  }
]
