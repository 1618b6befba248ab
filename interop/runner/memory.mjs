// What a process holds in memory of its own.
import { readFileSync } from 'node:fs'

const CALM_KIB = 200
const CALM_TIMES = 3
const LOOK_MS = 400

export function memoryOf (peer) {
  const status = readFileSync(`/proc/${peer.pid}/status`, 'utf8')
  return Number(/RssAnon:\s+(\d+) kB/.exec(status)[1])
}

// In KiB, once it has stopped changing.
export async function settled (peer) {
  let last = memoryOf(peer)
  for (let calm = 0; calm < CALM_TIMES;) {
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    const now = memoryOf(peer)
    calm = Math.abs(now - last) < CALM_KIB ? calm + 1 : 0
    last = now
  }
  return last
}
