// The DHT of the js-libp2p peer, and the commands about it: keys and values are hexadecimal.
import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { peerIdFromString } from '@libp2p/peer-id'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'

const RAW = 0x55

// VIVIM's DHT. What VIVIM signs is VIVIM's to judge: here every value under /vivim/ is taken.
export function makeKad () {
  return kadDHT({
    protocol: '/vivim/kad/1.0.0',
    clientMode: false,
    peerInfoMapper: passthroughMapper,
    initialQuerySelfInterval: 100,
    validators: { vivim: async () => {} },
    selectors: { vivim: (key, values) => values.length - 1 }
  })
}

const bytes = text => Uint8Array.from(Buffer.from(text, 'hex'))
const hex = value => Buffer.from(value).toString('hex')
const cidOf = asked => CID.createV1(RAW, Digest.decode(bytes(asked.key)))

export function kadCommands (node, waitFor) {
  return {
    async 'kad-wait' (asked) {
      const count = await waitFor('routing table', asked, () => {
        const size = node.services.dht.routingTable.size
        return size >= (asked.count ?? 1) && size
      })
      return { count }
    },
    async 'kad-put' (asked) {
      await node.contentRouting.put(bytes(asked.key), bytes(asked.value))
      return {}
    },
    async 'kad-put-own-key' () {
      const key = Buffer.concat([Buffer.from('/pk/'), node.peerId.toMultihash().bytes])
      const value = publicKeyToProtobuf(node.peerId.publicKey)
      await node.contentRouting.put(key, value)
      return { key: hex(key), value: hex(value) }
    },
    async 'kad-get' (asked) {
      return { value: hex(await node.contentRouting.get(bytes(asked.key))) }
    },
    async 'kad-provide' (asked) {
      await node.contentRouting.provide(cidOf(asked))
      return {}
    },
    async 'kad-providers' (asked) {
      const peers = []
      for await (const found of node.contentRouting.findProviders(cidOf(asked))) {
        peers.push(found.id.toString())
      }
      return { peers }
    },
    async 'kad-find' (asked) {
      const found = await node.peerRouting.findPeer(peerIdFromString(asked.peer), { useCache: false })
      return { addrs: found.multiaddrs.map(String) }
    }
  }
}
