// A client of a node's y-websocket that knows which of its edits the node has acknowledged: after each edit it sends sync step 1,
// and the state vector in the node's answer (step 1 of its own) is on the node's disk (docs/protocol/sync.md).
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as syncProtocol from 'y-protocols/sync'
import WebSocket from 'ws'
import * as Y from 'yjs'

export class DurableClient {
  constructor(node, document, doc = new Y.Doc()) {
    this.node = node
    this.document = document
    this.doc = doc
    this.durable = new Map()
    this.closed = false
    this.connected = false
    doc.on('update', (update, origin) => {
      if (origin === this) return
      this.send((encoder) => syncProtocol.writeUpdate(encoder, update))
      this.send((encoder) => syncProtocol.writeSyncStep1(encoder, doc))
    })
  }

  connect() {
    if (this.closed) return
    const socket = new WebSocket(`ws://127.0.0.1:${this.node.httpPort}/sync/${this.document}`, {
      headers: { authorization: `Bearer ${this.node.token}` },
    })
    socket.binaryType = 'arraybuffer'
    this.socket = socket
    socket.on('open', () => {
      this.connected = true
      this.send((encoder) => syncProtocol.writeSyncStep1(encoder, this.doc))
    })
    socket.on('message', (data) => this.receive(new Uint8Array(data)))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.connected = false
      setTimeout(() => this.connect(), 20)
    })
  }

  send(write) {
    if (this.socket?.readyState !== WebSocket.OPEN) return
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, 0)
    write(encoder)
    this.socket.send(encoding.toUint8Array(encoder))
  }

  receive(message) {
    const decoder = decoding.createDecoder(message)
    if (decoding.readVarUint(decoder) !== 0) return
    const type = decoding.peekVarUint(decoder)
    if (type === 0) {
      decoding.readVarUint(decoder)
      const stateVector = decoding.readVarUint8Array(decoder)
      for (const [client, clock] of Y.decodeStateVector(stateVector)) {
        this.durable.set(client, Math.max(clock, this.durable.get(client) ?? 0))
      }
      this.send((encoder) => syncProtocol.writeSyncStep2(encoder, this.doc, stateVector))
      return
    }
    const encoder = encoding.createEncoder()
    syncProtocol.readSyncMessage(decoder, encoder, this.doc, this)
  }

  /** How many units of its own the node has acknowledged. */
  get acknowledged() {
    return this.durable.get(this.doc.clientID) ?? 0
  }

  close() {
    this.closed = true
    this.socket?.close()
  }
}
