// One row of this benchmark in npm's Yjs or in ywasm:
//
//   node --expose-gc worker.mjs yjs|ywasm ROW FOLDER WARM-UPS REPETITIONS
//
// prints {"ms": [processor milliseconds of each repetition], "text": ..., "state": ..., "bytes": ...}.
import { readFileSync } from 'node:fs'
import { fingerprint, foreign, readList, readTrace } from './files.mjs'

const [engine, row, folder, warmUps, repetitions] = process.argv.slice(2)
const Y = foreign(engine)
const COPIES = 20  // of a document whose memory is measured

const yjs = {
  open (client = 2) {
    const doc = new Y.Doc()
    doc.clientID = client
    return doc
  },
  close () {},
  apply: (doc, update) => Y.applyUpdate(doc, update),
  encode: doc => Y.encodeStateAsUpdate(doc),
  encodeV2: doc => Y.encodeStateAsUpdateV2(doc),
  text: doc => doc.getText('text').toString(),
  chat: doc => doc.getArray('messages').map(map => map.get('text').toString()).join('\n'),
  listen: (doc, heard) => doc.on('update', heard),
  replay (doc, patches) {
    const text = doc.getText('text')
    for (const [at, removed, inserted] of patches) {
      doc.transact(() => {
        if (removed > 0) text.delete(at, removed)
        if (inserted !== '') text.insert(at, inserted)
      })
    }
  },
  // All at once takes it time that grows with the square (yjs#710): in a tree it is at its best.
  merge: updates => tree(updates, Y.mergeUpdates),
  memory () {
    global.gc()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
}

const ywasm = {
  open: (client = 2) => new Y.YDoc({ clientID: client }),
  close: doc => doc.free(),
  apply: (doc, update) => Y.applyUpdate(doc, update, undefined),
  encode: doc => Y.encodeStateAsUpdate(doc),
  encodeV2: doc => Y.encodeStateAsUpdateV2(doc),
  text: doc => doc.getText('text').toString(),
  chat: doc => doc.getArray('messages').toJson().map(map => map.text).join('\n'),
  listen: (doc, heard) => doc.onUpdate(heard),
  replay (doc, patches) {
    const text = doc.getText('text')
    for (const [at, removed, inserted] of patches) {
      const transaction = doc.beginTransaction()
      if (removed > 0) text.delete(at, removed, transaction)
      if (inserted !== '') text.insert(at, inserted, undefined, transaction)
      transaction.free()
    }
  },
  memory: () => Y.__wasm.memory.buffer.byteLength
}

const { open, close, apply, encode, encodeV2, text, chat, listen, replay, merge, memory } = { yjs, ywasm }[engine]

function tree (updates, join) {
  let level = updates
  while (level.length > 1) {
    const next = []
    for (let i = 0; i < level.length; i += 64) {
      next.push(join(level.slice(i, i + 64)))
    }
    level = next
  }
  return level[0]
}

const list = name => readList(`${folder}/${name}.updates`)
const state = name => new Uint8Array(readFileSync(`${folder}/${name}.v1`))

function loaded (update) {
  const doc = open()
  apply(doc, update)
  return doc
}

// Each gives `begin`, what is not measured; `run`, what is; and `result`, what came of it.
const local = name => {
  const patches = readTrace(`${folder}/${name}.trace`)
  return {
    begin: () => {
      const doc = open(1)
      const heard = { bytes: 0 }
      heard.subscription = listen(doc, update => { heard.bytes += update.length })
      return { doc, heard }
    },
    run: ({ doc }) => { replay(doc, patches) },
    result: ({ doc }) => ({ doc, text: text(doc), state: encode(doc) })
  }
}
const remote = (name, read = text) => {
  const updates = list(name)
  return {
    begin: () => ({ doc: open() }),
    run: ({ doc }) => { for (const update of updates) apply(doc, update) },
    result: ({ doc }) => ({ doc, text: read(doc), state: encode(doc) })
  }
}
const encoded = (name, write) => {
  const update = state(name)
  return {
    begin: () => ({ doc: loaded(update) }),
    run: session => { session.out = write(session.doc) },
    result: ({ doc, out }) => ({ doc, text: text(doc), state: out })
  }
}
const held = name => {
  const update = state(name)
  return {
    begin: () => ({ before: memory(), docs: [] }),
    run: session => { for (let i = 0; i < COPIES; i++) session.docs.push(loaded(update)) },
    result: ({ before, docs }) =>
      ({ bytes: (memory() - before) / COPIES, text: text(docs[0]), state: encode(docs[0]) })
  }
}

const rows = {
  'b4-local': () => local('b4'),
  'random-local': () => local('random'),
  'b4-remote': () => remote('b4'),
  'b4-load': () => {
    const update = state('b4')
    return {
      begin: () => ({}),
      run: session => {
        session.doc = loaded(update)
        session.text = text(session.doc)
      },
      result: session => ({ doc: session.doc, text: session.text, state: encode(session.doc) })
    }
  },
  'b4-encode': () => encoded('b4', encode),
  'b4-encode-again': () => {
    const row = encoded('b4', encode)
    const begin = row.begin
    return { ...row, begin: () => { const session = begin(); encode(session.doc); encode(session.doc); return session } }
  },
  'b4-encode-v2': () => encoded('b4', encodeV2),
  'b4-merge': () => {
    const updates = list('b4')
    return {
      begin: () => ({}),
      run: session => { session.merged = merge(updates) },
      result: ({ merged }) => { const doc = loaded(merged); return { doc, text: text(doc), state: encode(doc) } }
    }
  },
  'chats-open': () => {
    const updates = list('chats')
    return {
      begin: () => ({ docs: [] }),
      run: session => { for (const update of updates) session.docs.push(loaded(update)) },
      result: ({ docs }) => ({ text: docs.map(chat).join('\n') })
    }
  },
  'b4-memory': () => held('b4'),
  'random-memory': () => held('random'),
  conflict: () => remote('conflict'),
  format: () => remote('format'),
  reverse: () => remote('reverse'),
  chat: () => remote('chat', chat)
}

function spent () {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

// What `crdt_engine scaling` measures, with fewer edits at each size: they take it longer.
function scaling (most) {
  const edits = 2000
  const doc = open(1)
  let heard = 0
  listen(doc, update => { heard += update.length })
  const text = doc.getText('text')
  let seed = 1
  const below = limit => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return Math.floor(seed / 2 ** 32 * limit)
  }
  const edit = grow => {
    const at = below(text.length + 1)
    doc.transact(() => grow ? text.insert(at, 'ten chars ') : text.delete(at, Math.min(10, text.length - at)))
  }
  for (let size = 1e4; size <= most * 1.01; size *= 1.7782794100389228) {
    for (let i = 0; text.length < Math.floor(size); i++) edit(i % 10 !== 9)
    const before = spent()
    for (let i = 0; i < edits; i++) edit(i % 2 === 0)
    console.log(JSON.stringify({ characters: text.length, ns: (spent() - before) * 1e6 / edits, heard }))
  }
}

if (row === 'scaling') {
  scaling(Number(folder))
  process.exit(0)
}
if (row === 'b4-merge' && merge === undefined) {
  console.log(JSON.stringify({ absent: `${engine} cannot do it` }))
  process.exit(0)
}
const { begin, run, result } = rows[row]()
const ms = []
let last
for (let i = 0; i < Number(warmUps) + Number(repetitions); i++) {
  if (last?.doc !== undefined) close(last.doc)
  const session = begin()
  const before = spent()
  run(session)
  if (i >= Number(warmUps)) ms.push(spent() - before)
  last = result(session)
}
console.log(JSON.stringify({
  ms,
  text: fingerprint(Buffer.from(last.text)),
  state: last.state === undefined ? undefined : fingerprint(last.state),
  bytes: last.bytes
}))
