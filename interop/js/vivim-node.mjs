// Starts, kills and talks to real VIVIM nodes, for the system tests. Each node has a home of its own in a temporary folder
// and ports that the system picks.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

const here = dirname(fileURLToPath(import.meta.url))
export const program = process.env.VIVIM ?? join(here, '../../build/bin/vivim')

/** A TCP port that was free a moment ago: a node that is killed and started again must keep its addresses. */
export async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Resolves when `condition` gives something truthy; asks again whenever `tick` resolves. */
export async function until(condition, what, milliseconds = 30_000) {
  const deadline = performance.now() + milliseconds
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`timed out after ${milliseconds} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export class VivimNode {
  constructor(name) {
    this.name = name
    this.home = mkdtempSync(join(tmpdir(), `vivim-${name}-`))
  }

  async start() {
    this.httpPort ??= await freePort()
    this.p2pPort ??= await freePort()
    this.process = spawn(program, ['run', '--http', `127.0.0.1:${this.httpPort}`, '--listen', `/ip4/127.0.0.1/tcp/${this.p2pPort}`], {
      env: { ...process.env, VIVIM_HOME: this.home, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.output = ''
    this.exited = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve({ code, signal })))
    const collect = (chunk) => {
      this.output = (this.output + chunk).slice(-20_000)
    }
    this.process.stdout.on('data', collect)
    this.process.stderr.on('data', collect)
    let gone = false
    this.exited.then(() => (gone = true))
    await until(async () => {
      if (gone) throw new Error(`${this.name} ended at once:\n${this.output}`)
      try {
        this.token = readFileSync(join(this.home, 'session-token'), 'utf8').trim()
        return (await this.fetch('GET', '/status')).ok
      } catch {
        return false
      }
    }, `${this.name} answers`)
  }

  get origin() {
    return `http://127.0.0.1:${this.httpPort}`
  }

  fetch(method, path, body) {
    return fetch(`${this.origin}/api/v2${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    })
  }

  /** A request that must succeed; its JSON. */
  async api(method, path, body) {
    const response = await this.fetch(method, path, body)
    const text = await response.text()
    if (!response.ok) throw new Error(`${this.name}: ${method} ${path}: ${response.status} ${text}`)
    return text ? JSON.parse(text) : null
  }

  /** npm's own provider, unmodified, on one document. */
  provider(document, doc = new Y.Doc()) {
    const token = this.token
    class Socket extends WebSocket {
      constructor(url) {
        super(url, { headers: { authorization: `Bearer ${token}` } })
      }
    }
    return new WebsocketProvider(`ws://127.0.0.1:${this.httpPort}/sync`, document, doc, {
      WebSocketPolyfill: Socket,
      disableBc: true,
      maxBackoffTime: 100,
    })
  }

  async kill() {
    this.process.kill('SIGKILL')
    await this.exited
  }

  async stop() {
    this.process.kill('SIGTERM')
    return this.exited
  }

  /** Peak resident memory, bytes. */
  peakMemory() {
    return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${this.process.pid}/status`, 'utf8'))[1])
  }

  async dispose() {
    if (this.process && this.process.exitCode === null && this.process.signalCode === null) await this.kill()
    rmSync(this.home, { recursive: true, force: true })
  }
}

/** Two nodes with one conversation that the second has joined: {a, b, id}. */
export async function sharedPair() {
  const a = new VivimNode('a')
  const b = new VivimNode('b')
  await a.start()
  await b.start()
  const { id } = await a.api('POST', '/conversations', { title: 'shared' })
  const { ticket } = await a.api('POST', `/conversations/${id}/share`)
  const joined = await b.api('POST', '/join', { ticket })
  if (joined.id !== id) throw new Error(`joined ${joined.id}, not ${id}`)
  return { a, b, id }
}

export function quantile(values, q) {
  const sorted = [...values].sort((x, y) => x - y)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
}
