// /vivim/interop/bulk/1.0.0 of the interop tests. The opener sends u64 BE upload size, u64 BE download size, the upload,
// its SHA-256, FIN; the other side, meanwhile: the download, its SHA-256, the SHA-256 of the upload as it came, FIN.
import { createHash, randomBytes } from 'node:crypto'

export const BULK = '/vivim/interop/bulk/1.0.0'
export const BLOCK = 64 * 1024
export const STREAM_LIMITS = { maxInboundStreams: 1024, maxOutboundStreams: 1024, runOnLimitedConnection: true }
const HASH = 32

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
export async function send (stream, bytes) {
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
export class Inbox {
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

export async function serveBulk (stream) {
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

async function bulkStream (connection, upload, download) {
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

// Bytes on each of several streams at once, both ways.
export async function runBulk (connection, streams, bytes) {
  const begin = performance.now()
  await Promise.all(Array.from({ length: streams }, () => bulkStream(connection, bytes, bytes)))
  return { seconds: (performance.now() - begin) / 1000 }
}
