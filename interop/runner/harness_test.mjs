// The environment contracts of the libp2p project's interop harnesses, unified-testing and the older test-plans: a listener
// and a dialer of ours, and a small Redis in this process between them.
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

let passed = 0

function pass (name) {
  passed++
  console.log(`ok ${name}`)
}

function unified (name, redis, environment) {
  const common = { REDIS_ADDR: redis, TEST_KEY: name, LISTENER_IP: '127.0.0.1', ...environment }
  return [{ ...common, IS_DIALER: 'true' }, { ...common, IS_DIALER: 'false' }]
}

// There each test has a Redis of its own, and one key.
function testPlans (redis, environment) {
  const common = { redis_addr: redis, ip: '127.0.0.1', test_timeout_seconds: '60', ...environment }
  return [{ ...common, is_dialer: 'true' }, { ...common, is_dialer: 'false' }]
}

async function converse (name, [asDialer, asListener], check) {
  const dialer = start(asDialer)
  const listener = start(asListener)
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
  pass(name)
}

function checkJson (line) {
  const told = JSON.parse(line)
  require(told.handshakePlusOneRTTMillis > 0 && told.pingRTTMilllis > 0 && Object.keys(told).length === 2, `not what the harness reads:\n${line}`)
}

function checkPing (yaml) {
  require(/^latency:\n {2}handshake_plus_one_rtt: [\d.]+\n {2}ping_rtt: [\d.]+\n {2}unit: ms\n$/.test(yaml), `not what the harness reads:\n${yaml}`)
}

const COUNT = 7

function listOf (block, name) {
  const found = new RegExp(` {2}${name}: \\[([\\d., ]*)\\]\\n`).exec(block)
  require(found !== null, `no ${name}:\n${block}`)
  return found[1] === '' ? [] : found[1].split(', ').map(Number)
}

// Quartiles of the samples by linear interpolation; what is beyond 1.5 times their distance is an outlier, and no minimum.
function checkFigures (block) {
  const told = Object.fromEntries([...block.matchAll(/ {2}(\w+\d?): ([\d.]+)\n/g)].map(([, key, value]) => [key, Number(value)]))
  const samples = listOf(block, 'samples')
  require(told.iterations === COUNT && samples.length === COUNT, `not ${COUNT} iterations:\n${block}`)
  const quantile = part => {
    const place = part * (COUNT - 1)
    const low = samples[Math.floor(place)]
    return low + (samples[Math.ceil(place)] - low) * (place % 1)
  }
  const near = (a, b) => Math.abs(a - b) < 0.011 // samples are rounded
  require(near(told.q1, quantile(0.25)) && near(told.median, quantile(0.5)) && near(told.q3, quantile(0.75)), `other quartiles:\n${block}`)
  const rest = samples.filter(one => !listOf(block, 'outliers').includes(one))
  require(near(told.min, Math.min(...rest)) && near(told.max, Math.max(...rest)), `an outlier is the minimum or maximum:\n${block}`)
}

function checkPerf (yaml) {
  for (const [name, unit] of [['upload', 'Gbps'], ['download', 'Gbps'], ['latency', 'ms']]) {
    const block = new RegExp(`${name}:\\n {2}iterations: \\d+\\n {2}min: .*\\n {2}q1: .*\\n {2}median: .*\\n {2}q3: .*\\n {2}max: .*\\n` +
      ` {2}outliers: \\[.*\\]\\n {2}samples: \\[.*\\]\\n {2}unit: ${unit}\\n`).exec(yaml)
    require(block !== null, `no ${name} as the harness reads it:\n${yaml}`)
    checkFigures(block[0])
  }
}

async function checkRefusal (redis, environment) {
  const wrong = start({ REDIS_ADDR: redis, redis_addr: redis, TEST_KEY: 'x', ...environment })
  require(await wrong.ended === 2 && wrong.err.includes('pigeon'), 'an unknown transport is not refused')
}

// test-plans' listener that nobody ends has failed.
async function checkListenerInVain () {
  const redis = await new Redis().listen()
  const [, asListener] = testPlans(redis, { transport: 'tcp', security: 'noise', muxer: 'yamux', test_timeout_seconds: '1' })
  require(await start(asListener).ended === 1, 'a listener in vain does not fail')
}

const redis = await new Redis().listen()
const muxed = { SECURE_CHANNEL: 'noise', MUXER: 'yamux' }
await converse('tcp', unified('tcp', redis, { TRANSPORT: 'tcp', ...muxed }), checkPing)
await converse('tls-mplex', unified('tls-mplex', redis, { TRANSPORT: 'ws', SECURE_CHANNEL: 'tls', MUXER: 'mplex' }), checkPing)
await converse('quic', unified('quic', redis, { TRANSPORT: 'quic-v1' }), checkPing)
const perf = Object.fromEntries(['UPLOAD', 'DOWNLOAD', 'LATENCY'].map(name => [`${name}_ITERATIONS`, `${COUNT}`]))
for (const [name, made] of Object.entries({ perf: { TRANSPORT: 'tcp', ...muxed }, 'perf-quic': { TRANSPORT: 'quic-v1' } })) {
  await converse(name, unified(name, redis, { ...made, ...perf, UPLOAD_BYTES: '1000000', DOWNLOAD_BYTES: '1000000' }), checkPerf)
}
for (const [name, made] of Object.entries({
  'test-plans-tcp': { transport: 'tcp', security: 'noise', muxer: 'yamux' },
  'test-plans-ws': { transport: 'ws', security: 'tls', muxer: 'mplex' },
  'test-plans-quic': { transport: 'quic-v1' }
})) {
  await converse(name, testPlans(await new Redis().listen(), made), checkJson)
}
await checkRefusal(redis, { IS_DIALER: 'true', TRANSPORT: 'pigeon' })
await checkRefusal(redis, { is_dialer: 'true', transport: 'pigeon' })
pass('an unknown transport')
await checkListenerInVain()
pass('a listener in vain')
console.log(`${passed} passed, 0 failed`)
process.exit(0)
