// What the engines are measured with, made by npm's Yjs, and what must come out of it. The same on every run.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { ROOT, fingerprint, foreign, readTrace, writeList, writeTrace } from './files.mjs'

const Y = foreign('yjs')
const VERSION = 5
const TRACE = `${ROOT}/../shared/data/traces/sequential/automerge-paper.json.gz`

// Numerical Recipes' generator: the same numbers everywhere.
function chance (seed) {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor(state / 2 ** 32 * below)
  }
}

function writer (client) {
  const doc = new Y.Doc()
  doc.clientID = client
  const updates = []
  doc.on('update', update => updates.push(update))
  return { doc, updates }
}

function replay (patches) {
  const { doc, updates } = writer(1)
  const text = doc.getText('text')
  for (const [at, removed, inserted] of patches) {
    doc.transact(() => {
      if (removed > 0) text.delete(at, removed)
      if (inserted !== '') text.insert(at, inserted)
    })
  }
  return { doc, updates }
}

function randomPatches (count) {
  const random = chance(1)
  return Array.from({ length: count }, (_, i) => [random(i + 1), 0, 'x'])
}

// One place, one character of each client, in an order that is nobody's.
function conflict (clients) {
  const random = chance(2)
  const updates = []
  for (let client = 1; client <= clients; client++) {
    const one = writer(client * 7)
    one.doc.getText('text').insert(0, String.fromCharCode(97 + client % 26))
    updates.push(one.updates[0])
  }
  for (let i = updates.length - 1; i > 0; i--) {
    const j = random(i + 1)
    ;[updates[i], updates[j]] = [updates[j], updates[i]]
  }
  return updates
}

function formatting (count) {
  const random = chance(3)
  const { doc, updates } = writer(1)
  const text = doc.getText('text')
  text.insert(0, 'lorem ipsum dolor sit amet, '.repeat(200))
  const keys = ['bold', 'italic', 'underline']
  while (updates.length <= count) {  // some say what is so already
    const at = random(text.length - 40)
    text.format(at, 1 + random(40), { [keys[random(3)]]: random(3) > 0 ? true : null })
  }
  return updates
}

// A message as VIVIM keeps it: a map in a list, its text in pieces as a model says them.
function chat (doc, message, pieces) {
  const messages = doc.getArray('messages')
  const map = new Y.Map()
  doc.transact(() => {
    messages.push([map])
    map.set('id', `message-${message}`)
    map.set('role', message % 2 === 0 ? 'user' : 'assistant')
  })
  doc.transact(() => map.set('text', new Y.Text()))
  const text = map.get('text')
  for (const piece of pieces) {
    text.insert(text.length, piece)
  }
  doc.transact(() => map.set('done', true))
}

function tokens (random, count) {
  const words = ['the ', 'model ', 'says ', 'something ', 'about ', 'it', ', ', 'token ', 'by ', 'token. ']
  return Array.from({ length: count }, () => words[random(words.length)])
}

function streamed (messages, pieces) {
  const random = chance(4)
  const { doc, updates } = writer(1)
  for (let message = 0; message < messages; message++) {
    chat(doc, message, tokens(random, pieces))
  }
  return updates
}

function smallChats (count) {
  const random = chance(5)
  return Array.from({ length: count }, (_, i) => {
    const { doc } = writer(10 + i)
    for (let message = 0; message < 20; message++) {
      chat(doc, message, [tokens(random, 9).join('')])
    }
    return Y.encodeStateAsUpdate(doc)
  })
}

/** What a document of this benchmark reads as, whatever its root is. */
export function content (doc) {
  return doc.share.has('messages')
    ? doc.getArray('messages').map(map => map.get('text').toString()).join('\n')
    : doc.getText('text').toString()
}

function expected (updates) {
  const doc = new Y.Doc()
  doc.clientID = 2
  for (const update of updates) {
    Y.applyUpdate(doc, update)
  }
  return expectedOf(doc)
}

function expectedOf (doc) {
  doc.share.has('messages') ? doc.getArray('messages') : doc.getText('text')
  return {
    text: fingerprint(Buffer.from(content(doc))),
    state: fingerprint(Y.encodeStateAsUpdate(doc)),
    structs: [...doc.store.clients.values()].reduce((sum, structs) => sum + structs.length, 0)
  }
}

/** Makes the files in `folder` if they are not there; what must come out, by name. */
export function prepare (folder) {
  const path = `${folder}/expected.json`
  const traced = existsSync(TRACE)
  if (existsSync(path)) {
    const known = JSON.parse(readFileSync(path))
    if (known.version === VERSION && known.traced === traced) {
      return known
    }
  }
  mkdirSync(folder, { recursive: true })
  const results = { version: VERSION, traced }
  const keep = (name, updates, order = updates) => {
    writeList(`${folder}/${name}.updates`, order)
    results[name] = { ...expected(updates), updates: updates.length }
  }
  if (traced) {
    const { txns } = JSON.parse(gunzipSync(readFileSync(TRACE)))
    writeTrace(`${folder}/b4.trace`, txns.flatMap(transaction => transaction.patches))
    const { doc, updates } = replay(readTrace(`${folder}/b4.trace`))
    writeList(`${folder}/b4.updates`, updates)
    writeFileSync(`${folder}/b4.v1`, Y.encodeStateAsUpdate(doc))
    results.b4 = { ...expectedOf(doc), updates: updates.length, v2: fingerprint(Y.encodeStateAsUpdateV2(doc)) }
  }
  const patches = randomPatches(30_000)
  writeTrace(`${folder}/random.trace`, patches)
  const random = replay(patches)
  writeFileSync(`${folder}/random.v1`, Y.encodeStateAsUpdate(random.doc))
  results.random = expectedOf(random.doc)
  keep('conflict', conflict(3000))
  keep('format', formatting(2000))
  const typed = replay(Array.from({ length: 2000 }, (_, i) => [i, 0, 'x'])).updates
  keep('reverse', typed, [...typed].reverse())
  keep('chat', streamed(500, 200))
  const chats = smallChats(200)
  writeList(`${folder}/chats.updates`, chats)
  results.chats = { text: fingerprint(Buffer.from(chats.map(state => {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, state)
    doc.getArray('messages')
    return content(doc)
  }).join('\n'))), updates: chats.length }
  writeFileSync(path, JSON.stringify(results, null, 2))
  return results
}
