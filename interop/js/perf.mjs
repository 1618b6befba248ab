// /perf/1.0.0: u64 BE size of the download, the upload, FIN; then the download, FIN.
import { BLOCK, Inbox, STREAM_LIMITS, send } from './bulk.mjs'

export const PERF = '/perf/1.0.0'
const ZEROS = Buffer.alloc(BLOCK)

async function sendZeros (stream, size) {
  for (let left = size; left > 0; left -= BLOCK) {
    await send(stream, ZEROS.subarray(0, Math.min(BLOCK, left)))
  }
}

async function drain (inbox) {
  let total = inbox.rest.length
  while (await inbox.more()) {
    total += inbox.rest.length
  }
  return total
}

export async function servePerf (stream) {
  try {
    const inbox = new Inbox(stream)
    const size = Number((await inbox.exactly(8)).readBigUInt64BE(0))
    await drain(inbox)
    await sendZeros(stream, size)
    await stream.close()
  } catch (error) {
    stream.abort(error)
  }
}

export async function runPerf (connection, upload, download) {
  const begin = performance.now()
  const stream = await connection.newStream(PERF, STREAM_LIMITS)
  const header = Buffer.alloc(8)
  header.writeBigUInt64BE(BigInt(download))
  const inbox = new Inbox(stream)
  await send(stream, header)
  await sendZeros(stream, upload)
  await stream.close()
  const received = await drain(inbox)
  if (received !== download) {
    throw new Error(`${received} bytes came instead of ${download}`)
  }
  return { seconds: (performance.now() - begin) / 1000 }
}
