// Networks of their own, for what must not reach the machine's: needs root and iproute2.
import { spawnSync } from 'node:child_process'

function ip (...words) {
  const ran = spawnSync('ip', words, { encoding: 'utf8' })
  if (ran.status !== 0) {
    throw new Error(`ip ${words.join(' ')}: ${ran.stderr ?? ran.error?.message}`)
  }
}

let usable

// Why namespaces cannot be used here; undefined when they can.
export function whyNoNamespaces () {
  if (usable === undefined) {
    const name = `vivim-${process.pid}-try`
    try {
      ip('netns', 'add', name)
      ip('netns', 'del', name)
      usable = { ok: true }
    } catch (error) {
      usable = { ok: false, detail: 'needs root and network namespaces' }
    }
  }
  return usable.ok ? undefined : { mark: 'skipped', detail: usable.detail }
}

let made = 0

// Runs `work` with the words that put a command into a network with one interface, of this address (IPv4 or IPv6), and
// nobody else.
export async function withLonelyNetwork (address, work) {
  const name = `vivim-${process.pid}-${made++}`
  ip('netns', 'add', name)
  try {
    ip('-n', name, 'link', 'set', 'lo', 'up')
    ip('-n', name, 'link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'lan1')
    ip('-n', name, 'link', 'set', 'lan1', 'up')
    ip('-n', name, 'link', 'set', 'lan0', 'up', 'multicast', 'on')
    if (address.includes(':')) {
      ip('-n', name, 'addr', 'add', `${address}/64`, 'dev', 'lan0', 'nodad')
    } else {
      ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'lan0')
      ip('-n', name, 'route', 'add', '224.0.0.0/4', 'dev', 'lan0')
    }
    return await work(['ip', 'netns', 'exec', name])
  } finally {
    ip('netns', 'del', name)
  }
}

// The same for two hosts that see each other, and nobody else: `work` gets the words of each.
export async function withNeighbours ([here, there], work) {
  const names = [here, there].map(() => `vivim-${process.pid}-${made++}`)
  const [first, second] = names
  try {
    names.forEach(name => ip('netns', 'add', name))
    ip('-n', first, 'link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'lan0', 'netns', second)
    for (const [name, address] of [[first, here], [second, there]]) {
      ip('-n', name, 'link', 'set', 'lo', 'up')
      ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'lan0')
      ip('-n', name, 'link', 'set', 'lan0', 'up')
    }
    return await work(...names.map(name => ['ip', 'netns', 'exec', name]))
  } finally {
    names.forEach(name => spawnSync('ip', ['netns', 'del', name]))
  }
}
