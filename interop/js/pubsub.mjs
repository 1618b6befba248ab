// Gossipsub with the message ids that the mixed meshes agree on.
import { createHash } from 'node:crypto'
import { gossipsub } from '@libp2p/gossipsub'

const MESSAGE_MAX = 1 << 20

function varint (value) {
  const bytes = []
  for (; value >= 0x80; value >>>= 7) {
    bytes.push((value & 0x7f) | 0x80)
  }
  return Buffer.from([...bytes, value])
}

// Author and sequence number; anonymous: 20 bytes of SHA-256 over topic, behind its length, and data.
function idOf (message) {
  if (message.type === 'signed') {
    const number = Buffer.alloc(8)
    number.writeBigUInt64BE(message.sequenceNumber)
    return Buffer.concat([message.from.toMultihash().bytes, number])
  }
  const topic = Buffer.from(message.topic)
  return createHash('sha256').update(varint(topic.length)).update(topic).update(message.data).digest().subarray(0, 20)
}

export function pubsub (policy) {
  return gossipsub({
    globalSignaturePolicy: policy === 'sign' ? 'StrictSign' : 'StrictNoSign',
    msgIdFn: idOf,
    maxInboundDataLength: MESSAGE_MAX,
    allowPublishToZeroTopicPeers: true
  })
}

// What comes before the filling of a large message.
function label (data) {
  const end = data.indexOf(0)
  return Buffer.from(end < 0 ? data : data.subarray(0, end)).toString()
}

export function pubsubCommands (service) {
  const texts = []
  service?.addEventListener('message', event => texts.push(label(event.detail.data)))
  return {
    async 'pubsub-subscribe' ({ topic }) {
      service.subscribe(topic)
    },
    async 'pubsub-publish' ({ topic, text, bytes }) {
      const head = Buffer.from(text)
      await service.publish(topic, Buffer.concat([head, Buffer.alloc(Math.max(0, (bytes ?? 0) - head.length))]))
    },
    async 'pubsub-peers' ({ topic }) {
      return { peers: service.getSubscribers(topic).map(String) }
    },
    async 'pubsub-received' () {
      return { texts }
    }
  }
}
