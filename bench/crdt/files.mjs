// The files that every engine of this benchmark reads: traces of edits, and lists of updates.
import { createRequire } from 'node:module'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** A package of interop/js. */
export const foreign = createRequire(`${ROOT}/interop/js/package.json`)

/** Blobs one after another, each behind its length (32 bits, little endian). */
export function writeList (path, blobs) {
  const out = Buffer.alloc(blobs.reduce((sum, blob) => sum + 4 + blob.length, 0))
  let at = 0
  for (const blob of blobs) {
    out.writeUInt32LE(blob.length, at)
    out.set(blob, at + 4)
    at += 4 + blob.length
  }
  writeFileSync(path, out)
}

export function readList (path) {
  const bytes = readFileSync(path)
  const blobs = []
  for (let at = 0; at < bytes.length;) {
    const size = bytes.readUInt32LE(at)
    blobs.push(new Uint8Array(bytes.buffer, bytes.byteOffset + at + 4, size))
    at += 4 + size
  }
  return blobs
}

/** A trace is a list whose blobs are: position, units removed (32 bits each, little endian), text inserted. */
export function writeTrace (path, patches) {
  writeList(path, patches.map(([at, removed, inserted]) => {
    const text = Buffer.from(inserted)
    const blob = Buffer.alloc(8 + text.length)
    blob.writeUInt32LE(at, 0)
    blob.writeUInt32LE(removed, 4)
    text.copy(blob, 8)
    return blob
  }))
}

export function readTrace (path) {
  return readList(path).map(blob => {
    const view = Buffer.from(blob.buffer, blob.byteOffset, blob.length)
    return [view.readUInt32LE(0), view.readUInt32LE(4), view.toString('utf8', 8)]
  })
}

/** FNV-1a of 64 bits, in hexadecimal. */
export function fingerprint (bytes) {
  let high = 0xcbf29ce4
  let low = 0x84222325
  for (const byte of bytes) {
    low ^= byte
    // times 2^40 + 0x1b3
    const product = (low >>> 0) * 0x1b3
    const carry = Math.floor(product / 2 ** 32)
    high = (Math.imul(high, 0x1b3) + carry + (low << 8)) >>> 0
    low = product >>> 0
  }
  return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0')
}
