// A js-libp2p peer for interop/libp2p_interop.cpp.
//
//   node libp2p-peer.mjs listen            prints {"address": ...} and serves until its stdin closes
//   node libp2p-peer.mjs dial <multiaddr> <streams> <bytes a stream, each way>
//
// Protocols besides identify and ping:
//   /vivim/interop/bulk/1.0.0    opener: u64 BE upload size, u64 BE download size, upload, SHA-256 of it, FIN;
//                                listener, meanwhile: download, SHA-256 of it, SHA-256 of the upload as it came, FIN
//   /vivim/interop/report/1.0.0  whoever opens it, the js side sends one JSON object and closes
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const BULK = '/vivim/interop/bulk/1.0.0'
const REPORT = '/vivim/interop/report/1.0.0'
const BLOCK = 64 * 1024
const HASH = 32
const STREAM_LIMITS = { maxInboundStreams: 256, maxOutboundStreams: 256 }

const PACKAGES = JSON.parse(readFileSync(new URL('package.json', import.meta.url))).dependencies

// Random bytes made once, each block of a stream with its number: cheap, and no two blocks are alike.
const NOISE = randomBytes(BLOCK)

function next (stream, ...events) {
  return new Promise(resolve => {
    const done = () => {
      events.forEach(name => stream.removeEventListener(name, done))
      resolve()
    }
    events.forEach(name => stream.addEventListener(name, done))
  })
}

// Not stream.onDrain(): from its second use on it does not wait.
async function send (stream, bytes) {
  if (stream.send(bytes)) {
    return
  }
  while (stream.writableNeedsDrain) {
    if (stream.status !== 'open') {
      throw new Error(`the stream is ${stream.status}`)
    }
    await next(stream, 'drain', 'close')
  }
}

// Sends `size` bytes and returns their hash.
async function sendBlocks (stream, size) {
  const hash = createHash('sha256')
  for (let sent = 0, number = 0; sent < size; number++) {
    const block = Buffer.from(NOISE.subarray(0, Math.min(BLOCK, size - sent)))
    if (block.length >= 8) {
      block.writeBigUInt64BE(BigInt(number))
    }
    hash.update(block)
    await send(stream, block)
    sent += block.length
  }
  return hash.digest()
}

// Reads from a stream in the sizes that a protocol has, whatever the pieces. Not the stream's own iterator: that one
// waits for ever when FIN came before it was asked for the first time. Nor its 'end': that may come before bytes which
// arrived together with the negotiation of the protocol.
class Inbox {
  constructor (stream) {
    this.stream = stream
    this.pieces = []
    this.rest = Buffer.alloc(0)
    stream.addEventListener('message', event => this.pieces.push(event.data))
  }

  // False at the end of the stream.
  async more () {
    while (this.pieces.length === 0) {
      if (this.stream.status === 'aborted' || this.stream.status === 'reset') {
        throw new Error(`the stream is ${this.stream.status}`)
      }
      if (this.stream.remoteWriteStatus === 'closed' && this.stream.readBufferLength === 0) {
        return false
      }
      await next(this.stream, 'message', 'remoteCloseWrite', 'close')
    }
    this.rest = Buffer.from(this.pieces.shift().subarray())
    return true
  }

  async part (most) {
    if (this.rest.length === 0 && !await this.more()) {
      throw new Error('the stream ended too early')
    }
    const part = this.rest.subarray(0, most)
    this.rest = this.rest.subarray(part.length)
    return part
  }

  async exactly (size) {
    const parts = []
    for (let missing = size; missing > 0;) {
      const part = await this.part(missing)
      missing -= part.length
      parts.push(part)
    }
    return Buffer.concat(parts)
  }

  async hashOf (size) {
    const hash = createHash('sha256')
    for (let missing = size; missing > 0;) {
      const part = await this.part(missing)
      missing -= part.length
      hash.update(part)
    }
    return hash.digest()
  }

  async end () {
    if (this.rest.length > 0 || await this.more()) {
      throw new Error('bytes behind the end')
    }
  }
}

function requireSame (a, b, what) {
  if (!a.equals(b)) {
    throw new Error(`${what}: hashes differ`)
  }
}

async function serveBulk (stream) {
  try {
    const inbox = new Inbox(stream)
    const sizes = await inbox.exactly(16)
    const upload = Number(sizes.readBigUInt64BE(0))
    const download = Number(sizes.readBigUInt64BE(8))
    const sending = sendBlocks(stream, download)
    const received = await inbox.hashOf(upload)
    requireSame(await inbox.exactly(HASH), received, 'upload')
    await inbox.end()
    await send(stream, Buffer.concat([await sending, received]))
    await stream.close()
  } catch (error) {
    process.stderr.write(`bulk: ${error.stack}\n`)
    stream.abort(error)
  }
}

async function runBulk (connection, upload, download) {
  const stream = await connection.newStream(BULK, STREAM_LIMITS)
  const sizes = Buffer.alloc(16)
  sizes.writeBigUInt64BE(BigInt(upload), 0)
  sizes.writeBigUInt64BE(BigInt(download), 8)
  await send(stream, sizes)
  const inbox = new Inbox(stream)
  const receiving = inbox.hashOf(download)
  const sent = await sendBlocks(stream, upload)
  await send(stream, sent)
  await stream.close()
  const received = await receiving
  requireSame(await inbox.exactly(HASH), received, 'download')
  requireSame(await inbox.exactly(HASH), sent, 'upload')
  await inbox.end()
}

async function timed (work) {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1e9
}

// What this side knows of the peer of a connection, and what it measured.
async function report (node, identified, connection) {
  const info = await identified.of(connection.remotePeer)
  return {
    packages: PACKAGES,
    peer: info.peerId.toString(),
    agent: info.agentVersion,
    protocolVersion: info.protocolVersion,
    protocols: info.protocols,
    listenAddrs: info.listenAddrs.map(String),
    observedAddr: info.observedAddr?.toString(),
    keyMatches: info.publicKey != null,
    muxer: connection.multiplexer,
    security: connection.encryption,
    pingMs: await node.services.ping.ping(connection.remotePeer)
  }
}

async function sendReport (stream, object) {
  await send(stream, Buffer.from(JSON.stringify(object)))
  await stream.close()
}

// Peers identify each other by themselves on a new connection; a second request at once would exceed js's limit of one.
class Identified {
  constructor () {
    this.peers = new Map()
  }

  entry (peer) {
    const key = peer.toString()
    if (!this.peers.has(key)) {
      this.peers.set(key, Promise.withResolvers())
    }
    return this.peers.get(key)
  }

  of (peer) {
    return this.entry(peer).promise
  }

  add (info) {
    this.entry(info.peerId).resolve(info)
  }
}

async function makeNode () {
  const identified = new Identified()
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    nodeInfo: { name: 'vivim-interop-js', version: '1.0.0' },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() }
  })
  node.addEventListener('peer:identify', event => identified.add(event.detail))
  await node.handle(BULK, serveBulk, STREAM_LIMITS)
  await node.handle(REPORT, async (stream, connection) => {
    try {
      await sendReport(stream, await report(node, identified, connection))
    } catch (error) {
      process.stderr.write(`report: ${error.stack}\n`)
      stream.abort(error)
    }
  })
  return { node, identified }
}

async function dial (address, streams, bytes) {
  const { node, identified } = await makeNode()
  const connection = await node.dial(multiaddr(address))
  const result = await report(node, identified, connection)
  const all = (upload, download) => timed(() => Promise.all(
    Array.from({ length: streams }, () => runBulk(connection, upload, download))))
  result.uploadSeconds = await all(bytes, 0)
  result.downloadSeconds = await all(0, bytes)
  result.bothSeconds = await all(bytes, bytes)
  await sendReport(await connection.newStream(REPORT), result)
  await connection.close()
  await node.stop()
}

async function listen () {
  const { node } = await makeNode()
  process.stdout.write(JSON.stringify({ address: node.getMultiaddrs()[0].toString() }) + '\n')
  process.stdin.resume()
  process.stdin.on('end', async () => {
    await node.stop()
    process.exit(0)
  })
}

const [command, address, streams, bytes] = process.argv.slice(2)
try {
  if (command === 'listen') {
    await listen()
  } else if (command === 'dial') {
    await dial(address, Number(streams), Number(bytes))
    process.exit(0)
  } else {
    throw new Error('usage: libp2p-peer.mjs listen | dial <multiaddr> <streams> <bytes>')
  }
} catch (error) {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
}
