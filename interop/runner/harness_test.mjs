// The environment contract of the libp2p project's interop harness: a listener and a dialer of ours, and a small Redis
// in this process between them.
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { ROOT } from './process.mjs'

const PROGRAM = process.env.VIVIM_INTEROP_PEER ?? `${ROOT}/build/bin/vivim_interop_peer`
const PATIENCE = 30_000

// RPUSH, BLPOP, SET and GET, for clients that send whole commands.
class Redis {
  constructor () {
    this.lists = new Map()
    this.values = new Map()
    this.waiting = new Map()
    this.server = createServer(socket => {
      let text = ''
      socket.on('error', () => {})
      socket.on('data', data => {
        text += data
        for (let parsed; (parsed = Redis.parse(text)) !== undefined;) {
          text = parsed.rest
          this.run(parsed.words, answer => socket.write(answer))
        }
      })
    })
  }

  static parse (text) {
    const head = /^\*(\d+)\r\n/.exec(text)
    if (head === null) {
      return undefined
    }
    const words = []
    let at = head[0].length
    for (let left = Number(head[1]); left > 0; left--) {
      const size = /^\$(\d+)\r\n/.exec(text.slice(at))
      if (size === null || text.length < at + size[0].length + Number(size[1]) + 2) {
        return undefined
      }
      at += size[0].length
      words.push(text.slice(at, at + Number(size[1])))
      at += Number(size[1]) + 2
    }
    return { words, rest: text.slice(at) }
  }

  run ([command, key, value], send) {
    const bulk = text => `$${text.length}\r\n${text}\r\n`
    const pair = item => `*2\r\n${bulk(key)}${bulk(item)}`
    if (command === 'SET') {
      this.values.set(key, value)
      send('+OK\r\n')
    } else if (command === 'GET') {
      send(this.values.has(key) ? bulk(this.values.get(key)) : '$-1\r\n')
    } else if (command === 'RPUSH') {
      send(':1\r\n')
      const waiting = this.waiting.get(key)
      waiting === undefined ? this.lists.set(key, value) : waiting(value)
    } else if (command === 'BLPOP') {
      this.lists.has(key) ? send(pair(this.lists.get(key))) : this.waiting.set(key, item => send(pair(item)))
    } else {
      send(`-ERR unknown command ${command}\r\n`)
    }
  }

  async listen () {
    await new Promise(resolve => this.server.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${this.server.address().port}`
  }
}

function start (environment) {
  const child = spawn(PROGRAM, [], { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  const told = { child, out: '', err: '' }
  child.stdout.on('data', text => { told.out += text })
  child.stderr.on('data', text => { told.err += text })
  told.ended = new Promise(resolve => child.on('close', code => resolve(code)))
  return told
}

function require (condition, text) {
  if (!condition) {
    throw new Error(text)
  }
}

async function converse (name, redis, environment, check) {
  const common = { REDIS_ADDR: redis, TEST_KEY: name, LISTENER_IP: '127.0.0.1', ...environment }
  const dialer = start({ ...common, IS_DIALER: 'true' })
  const listener = start({ ...common, IS_DIALER: 'false' })
  const timer = setTimeout(() => dialer.child.kill('SIGKILL'), PATIENCE)
  try {
    const code = await dialer.ended
    require(code === 0, `the dialer ended with ${code}: ${dialer.err}${listener.err}`)
    check(dialer.out)
  } finally {
    clearTimeout(timer)
    listener.child.kill('SIGTERM')
  }
  require(await listener.ended === 0, `the listener did not end well: ${listener.err}`)
  console.log(`ok ${name}`)
}

function checkPing (yaml) {
  require(/^latency:\n {2}handshake_plus_one_rtt: [\d.]+\n {2}ping_rtt: [\d.]+\n {2}unit: ms\n$/.test(yaml), `not what the harness reads:\n${yaml}`)
}

function checkPerf (yaml) {
  for (const [name, unit] of [['upload', 'Gbps'], ['download', 'Gbps'], ['latency', 'ms']]) {
    const block = new RegExp(`${name}:\\n {2}iterations: 3\\n {2}min: [\\d.]+\\n {2}q1: [\\d.]+\\n {2}median: [\\d.]+\\n {2}q3: [\\d.]+\\n` +
      ` {2}max: [\\d.]+\\n {2}outliers: \\[\\]\\n {2}samples: \\[[\\d., ]+\\]\\n {2}unit: ${unit}\\n`)
    require(block.test(yaml), `no ${name} as the harness reads it:\n${yaml}`)
  }
}

async function checkRefusal (redis) {
  const wrong = start({ IS_DIALER: 'true', REDIS_ADDR: redis, TEST_KEY: 'x', TRANSPORT: 'pigeon' })
  require(await wrong.ended === 2 && wrong.err.includes('pigeon'), 'an unknown transport is not refused')
  console.log('ok unknown transport')
}

const server = new Redis()
const redis = await server.listen()
const muxed = { SECURE_CHANNEL: 'noise', MUXER: 'yamux' }
await converse('tcp', redis, { TRANSPORT: 'tcp', ...muxed }, checkPing)
await converse('tls-mplex', redis, { TRANSPORT: 'ws', SECURE_CHANNEL: 'tls', MUXER: 'mplex' }, checkPing)
await converse('quic', redis, { TRANSPORT: 'quic-v1' }, checkPing)
const perf = { UPLOAD_BYTES: '1000000', DOWNLOAD_BYTES: '1000000', UPLOAD_ITERATIONS: '3', DOWNLOAD_ITERATIONS: '3', LATENCY_ITERATIONS: '3' }
await converse('perf', redis, { TRANSPORT: 'tcp', ...muxed, ...perf }, checkPerf)
await checkRefusal(redis)
console.log('5 passed, 0 failed')
process.exit(0)
