// Frames on standard input and output: a 32-bit big-endian length and a body.
import { readSync, writeSync } from 'node:fs'

const readExactly = size => {
  const buffer = new Uint8Array(size)
  for (let at = 0; at < size;) {
    const count = readSync(0, buffer, at, size - at, null)
    if (count === 0) {
      return null
    }
    at += count
  }
  return buffer
}

/** Answers every frame with what `answer` makes of its body, until there are no more. */
export const serve = answer => {
  for (let header = readExactly(4); header !== null; header = readExactly(4)) {
    const body = answer(readExactly(new DataView(header.buffer).getUint32(0)))
    const frame = new Uint8Array(4 + body.length)
    new DataView(frame.buffer).setUint32(0, body.length)
    frame.set(body, 4)
    for (let at = 0; at < frame.length;) {
      at += writeSync(1, frame, at)
    }
  }
}
