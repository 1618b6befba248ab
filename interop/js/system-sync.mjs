// How long an edit on node A takes until it is visible to clients of node A and node B, and that nothing is lost or doubled; then
// both sides edit apart and meet again.
//   node system-sync.mjs [edits] [--json] [--strict]: strict fails when a mark is missed; a busy machine misses marks
import * as Y from 'yjs'
import { quantile, sharedPair, until } from './vivim-node.mjs'

const edits = Number(process.argv[2] ?? 10_000)
const json = process.argv.includes('--json')
const strict = process.argv.includes('--strict')
const report = {}
const say = (text) => json || console.log(text)
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const sameState = (x, y) => Buffer.compare(Buffer.from(Y.encodeStateVector(x)), Buffer.from(Y.encodeStateVector(y))) === 0

const { a, b, id } = await sharedPair()
let failed = false
try {
  // Writers at both nodes, and a second reader at each, as two browsers would be; all of them npm's own provider.
  const providers = { writerA: a.provider(id), readerA: a.provider(id), writerB: b.provider(id), readerB: b.provider(id) }
  await until(() => Object.values(providers).every((provider) => provider.synced), 'all clients synced')
  const list = (provider) => provider.doc.getArray('edits')

  // When each token was made, and when each reader first saw it.
  const made = new Map()
  const delays = { sameNode: [], otherNode: [] }
  const watch = (provider, home) =>
    list(provider).observe((event) => {
      const now = performance.now()
      for (const { insert } of event.changes.delta) {
        for (const token of insert ?? []) {
          const began = made.get(token)
          if (began !== undefined) delays[token[0] === home ? 'sameNode' : 'otherNode'].push(now - began)
        }
      }
    })
  watch(providers.readerA, 'a')
  watch(providers.readerB, 'b')

  const type = async (provider, name) => {
    for (let number = 0; number < edits / 2; ++number) {
      const token = `${name}${number}`
      made.set(token, performance.now())
      list(provider).insert(Math.floor(Math.random() * (list(provider).length + 1)), [token])
      if (number % 2 === 0) await pause(1)
    }
  }
  const began = performance.now()
  await Promise.all([type(providers.writerA, 'a'), type(providers.writerB, 'b')])
  const docs = Object.values(providers).map((provider) => provider.doc)
  await until(() => docs.every((doc) => doc.getArray('edits').length >= edits), 'all edits everywhere', 60_000)
  report.live = {
    edits,
    seconds: (performance.now() - began) / 1000,
    otherNodeP50: quantile(delays.otherNode, 0.5),
    otherNodeP95: quantile(delays.otherNode, 0.95),
    sameNodeP95: quantile(delays.sameNode, 0.95),
  }
  for (const doc of docs) {
    const tokens = doc.getArray('edits').toArray()
    const once = new Set(tokens).size === tokens.length && tokens.length === edits
    const same = JSON.stringify(tokens) === JSON.stringify(docs[0].getArray('edits').toArray())
    failed ||= !once || !same
  }
  if (strict) failed ||= report.live.otherNodeP95 >= 50
  say(`live: ${edits} edits from both sides; visible on the other node p50 ${report.live.otherNodeP50.toFixed(1)} ms, p95 ${report.live.otherNodeP95.toFixed(1)} ms (mark: below 50); ${failed ? 'LOST OR DOUBLED EDITS' : 'nothing lost, nothing twice'}`)

  // Apart: B stops; its browser keeps editing alone, as does A's. Then B comes back.
  await b.stop()
  const apart = edits / 2
  for (const [provider, name] of [[providers.writerA, 'x'], [providers.writerB, 'y']]) {
    for (let number = 0; number < apart; ++number) {
      list(provider).insert(Math.floor(Math.random() * (list(provider).length + 1)), [`${name}${number}`])
    }
  }
  await until(() => sameState(providers.writerA.doc, providers.readerA.doc), 'A and its reader')
  await b.start()
  await until(() => providers.writerB.wsconnected, 'the browser of B is connected again')
  const met = performance.now()
  const total = edits + 2 * apart
  await until(() => docs.every((doc) => doc.getArray('edits').length >= total), 'the sides to meet', 60_000)
  report.offline = { edits: 2 * apart, seconds: (performance.now() - met) / 1000 }
  const first = JSON.stringify(docs[0].getArray('edits').toArray())
  failed ||= docs.some((doc) => JSON.stringify(doc.getArray('edits').toArray()) !== first)
  if (strict) failed ||= report.offline.seconds >= 1
  say(`offline: ${2 * apart} edits made apart are the same everywhere ${report.offline.seconds.toFixed(2)} s after meeting (mark: below 1)`)
  Object.values(providers).forEach((provider) => provider.destroy())
} catch (error) {
  failed = true
  console.error(error.stack, '\n--- a\n', a.output, '\n--- b\n', b.output)
} finally {
  await a.dispose()
  await b.dispose()
}
if (json) console.log(JSON.stringify(report))
process.exit(failed ? 1 : 0)
