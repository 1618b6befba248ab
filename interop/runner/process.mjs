// Peers as processes that speak the control protocol of interop/README.md.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { secrets } from './secrets.mjs'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const START_MS = 60_000
const STDERR_MAX = 4000

const RUST = ['release', 'quick'].map(profile => `${ROOT}/build/interop/rust/${profile}/vivim-interop-rust`)
const COMMANDS = {
  vivim: [process.env.VIVIM_INTEROP_PEER ?? `${ROOT}/build/bin/vivim_interop_peer`],
  go: [`${ROOT}/build/interop/vivim-interop-go`],
  rust: [RUST.find(existsSync) ?? RUST[0]],
  js: [process.execPath, `${ROOT}/interop/js/libp2p-peer.mjs`]
}
const TOOLS = { go: 'go', rust: 'cargo' }
const NEEDS = {
  vivim: [COMMANDS.vivim[0]],
  go: [COMMANDS.go[0]],
  rust: [COMMANDS.rust[0]],
  js: [`${ROOT}/interop/js/node_modules/libp2p/package.json`]
}

// What a kind of peer has; undefined when it is not installed.
export function describe (kind) {
  if (!NEEDS[kind].every(existsSync)) {
    return undefined
  }
  const [program, ...words] = [...COMMANDS[kind], '--describe']
  const ran = spawnSync(program, words, { encoding: 'utf8' })
  if (ran.status !== 0) {
    throw new Error(`${kind} does not start: ${ran.stderr}`)
  }
  return JSON.parse(ran.stdout)
}

// What makes a peer one of those that share the secrets of this run. js-libp2p trusts what Node does.
function sharing (flags) {
  const wanted = flags.some(flag => ['wss', '--private-network', 'rsa'].includes(flag))
  return wanted ? { flags: [...flags, '--secrets', secrets()], env: { NODE_EXTRA_CA_CERTS: `${secrets()}/ca.pem` } } : { flags, env: {} }
}

// Why a kind of peer is not there.
export function why (kind) {
  const tool = TOOLS[kind]
  if (tool !== undefined && spawnSync(tool, ['version']).error !== undefined) {
    return `no ${tool} on the path`
  }
  return 'not built: scripts/bootstrap interop'
}

export class Peer {
  // `around`: words in front of the command, such as `ip netns exec NAME`.
  constructor (kind, flags = [], around = []) {
    const shared = sharing(flags)
    const [program, ...words] = [...around, ...COMMANDS[kind], ...shared.flags]
    this.kind = kind
    this.next = 1
    this.waiting = new Map()
    this.stderr = ''
    this.child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...shared.env } })
    this.child.stderr.on('data', text => { this.stderr = (this.stderr + text).slice(-STDERR_MAX) })
    this.child.stdin.on('error', () => {})
    this.ended = new Promise(resolve => {
      this.child.on('error', error => { this.end(error); resolve() })
      this.child.on('close', code => { this.end(new Error(`${kind} ended with ${code}: ${this.stderr.trim()}`)); resolve() })
    })
    this.ready = this.expect('ready', START_MS)
    this.ready.catch(() => {})
    createInterface({ input: this.child.stdout }).on('line', line => this.take(line))
  }

  static async start (kind, flags, around) {
    const peer = new Peer(kind, flags, around)
    try {
      peer.id = (await peer.ready).peer
    } catch (error) {
      await peer.stop()
      throw error
    }
    return peer
  }

  get pid () {
    return this.child.pid
  }

  take (line) {
    let told
    try {
      told = JSON.parse(line)
    } catch {
      return
    }
    const key = told.event ?? told.id
    const waiting = this.waiting.get(key)
    if (waiting !== undefined) {
      this.waiting.delete(key)
      told.ok === false ? waiting.reject(new Error(`${this.kind}: ${told.error}`)) : waiting.resolve(told)
    }
  }

  end (error) {
    this.failure = error
    this.waiting.forEach(waiting => waiting.reject(error))
    this.waiting.clear()
  }

  expect (key, patience) {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) {
        reject(this.failure)
        return
      }
      const timer = setTimeout(() => {
        this.waiting.delete(key)
        reject(new Error(`${this.kind}: no answer to ${key} in ${patience / 1000} s`))
      }, patience)
      const settle = how => value => { clearTimeout(timer); how(value) }
      this.waiting.set(key, { resolve: settle(resolve), reject: settle(reject) })
    })
  }

  async ask (cmd, fields = {}, patience = 30_000) {
    const id = this.next++
    const answer = this.expect(id, patience + 1000)
    this.child.stdin.write(JSON.stringify({ id, cmd, timeoutMs: patience, ...fields }) + '\n')
    try {
      return await answer
    } catch (error) {
      error.message = `${cmd}: ${error.message}`
      throw error
    }
  }

  async stop () {
    this.child.stdin.end()
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 3000)
    await this.ended
    clearTimeout(timer)
  }
}

// Runs `work` with several peers that are all stopped behind it.
export async function withPeers (starts, work) {
  const begun = await Promise.allSettled(starts.map(([kind, flags, around]) => Peer.start(kind, flags, around)))
  const peers = begun.filter(one => one.status === 'fulfilled').map(one => one.value)
  try {
    const failed = begun.find(one => one.status === 'rejected')
    if (failed !== undefined) {
      throw failed.reason
    }
    return await work(...peers)
  } catch (error) {
    if (process.env.VIVIM_INTEROP_DEBUG) {
      peers.forEach(peer => console.error(`--- ${peer.kind} wrote:\n${peer.stderr}`))
    }
    throw error
  } finally {
    await Promise.all(peers.map(peer => peer.stop()))
  }
}
