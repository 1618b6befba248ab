// `kill -9` of either node at random moments while both sides edit; afterwards every acknowledged edit is on both nodes,
// exactly once, and the doctor finds nothing wrong.
//   node system-crash.mjs [kills] [seed]
import { DurableClient } from './durable-client.mjs'
import { quantile, sharedPair, until } from './vivim-node.mjs'

const kills = Number(process.argv[2] ?? 50)
const seed = Number(process.argv[3] ?? Date.now() % 1e9)

// mulberry32: small, seeded, good enough to choose moments.
let state = seed
function random() {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Types a token every few milliseconds, and remembers at which clock each ended. */
class Editor {
  constructor(node, id, name) {
    this.name = name
    this.client = new DurableClient(node, id)
    this.log = this.client.doc.getArray('crash_log')
    this.tokens = []
    this.client.connect()
  }

  async run() {
    while (!this.done) {
      const token = `${this.name}${this.tokens.length}`
      this.log.insert(Math.floor(random() * (this.log.length + 1)), [token])
      this.tokens.push(token)
      await pause(1 + random() * 6)
    }
  }

  get acknowledged() {
    return this.tokens.slice(0, this.client.acknowledged)
  }
}

console.log(`seed ${seed}, ${kills} kills`)
const { a, b, id } = await sharedPair()
const restarts = []
let failed = false
try {
  const editors = [new Editor(a, id, 'a'), new Editor(b, id, 'b')]
  const running = editors.map((editor) => editor.run())
  await until(() => editors.every((editor) => editor.acknowledged.length > 10), 'first acknowledgements')
  for (let kill = 0; kill < kills; ++kill) {
    await pause(20 + random() * 300)
    const victim = random() < 0.5 ? a : b
    await victim.kill()
    const began = performance.now()
    await victim.start()
    restarts.push(performance.now() - began)
  }
  editors.forEach((editor) => (editor.done = true))
  await Promise.all(running)
  const promised = editors.flatMap((editor) => editor.acknowledged)
  // What was never acknowledged may be anywhere; the clients now stop sending it.
  editors.forEach((editor) => editor.client.close())

  // Fresh readers see what the nodes have, and nothing of what the editors still held.
  const readers = [new DurableClient(a, id), new DurableClient(b, id)]
  readers.forEach((reader) => reader.connect())
  const lists = () => readers.map((reader) => reader.doc.getArray('crash_log').toArray())
  await until(() => {
    const [left, right] = lists()
    return left.length > 0 && JSON.stringify(left) === JSON.stringify(right) && promised.every((token) => left.includes(token))
  }, 'both nodes to have every acknowledged edit', 60_000).catch((error) => {
    failed = true
    console.log(error.message)
  })
  for (const [index, list] of lists().entries()) {
    const counts = new Map()
    for (const token of list) counts.set(token, (counts.get(token) ?? 0) + 1)
    const lost = promised.filter((token) => !counts.has(token))
    const twice = [...counts].filter(([, count]) => count > 1)
    failed ||= lost.length > 0 || twice.length > 0
    console.log(`node ${'ab'[index]}: ${list.length} edits; of ${promised.length} acknowledged ${lost.length} lost, ${twice.length} twice`)
  }
  readers.forEach((reader) => reader.close())
  for (const node of [a, b]) {
    const { ok, checks } = await node.api('GET', '/doctor')
    failed ||= !ok
    console.log(`node ${node.name}: doctor ${ok ? 'finds nothing wrong' : JSON.stringify(checks)}`)
  }
  if (failed) console.log('--- a\n', a.output, '\n--- b\n', b.output)
  console.log(`restart to first answer: median ${quantile(restarts, 0.5).toFixed(0)} ms, longest ${Math.max(...restarts).toFixed(0)} ms`)
} catch (error) {
  failed = true
  console.log(error.stack, '\n--- a\n', a.output, '\n--- b\n', b.output)
} finally {
  await a.dispose()
  await b.dispose()
}
console.log(failed ? `FAILED (seed ${seed})` : 'no acknowledged edit lost')
process.exit(failed ? 1 : 0)
