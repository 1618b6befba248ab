// npm's Yjs for interop/conformance: a frame is a whole session of commands with the bytes that our engine gave for each;
// the answer is what differs first, and what kinds of structs were seen. A frame is a 32-bit big-endian length and a
// lib0-encoded body. Errors of a command are differences too.
import { readSync, writeSync } from 'node:fs'
import * as Y from 'yjs'
import * as Y14 from '@y/y'
import * as ywasm from 'ywasm'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

class Difference extends Error {
  constructor (what, theirs, ours) {
    super(what)
    this.theirs = theirs
    this.ours = ours
  }
}

let docs = []
let skips = 0
/** What this session produced, name to count; the driver fails if a kind never was. */
const seen = new Map()
const note = name => seen.set(name, (seen.get(name) || 0) + 1)

const bytesOf = write => {
  const out = encoding.createEncoder()
  write(out)
  return encoding.toUint8Array(out)
}

const equal = (a, b) => a.length === b.length && Buffer.compare(a, b) === 0

const expect = (what, theirs, r) => {
  const ours = decoding.readVarUint8Array(r)
  if (!equal(theirs, ours)) {
    throw new Difference(what, theirs, ours)
  }
}

const expectText = (what, theirs, r) => expect(what, Buffer.from(theirs, 'utf8'), r)

const readUpdates = r => Array.from({ length: decoding.readVarUint(r) }, () => decoding.readVarUint8Array(r))

const makeDoc = r => {
  const doc = new Y.Doc({ gc: decoding.readVarUint(r) === 1 })
  doc.clientID = decoding.readVarUint(r)
  const entry = { doc, v1: [], v2: [] }
  doc.on('update', update => entry.v1.push(update))
  doc.on('updateV2', update => entry.v2.push(update))
  doc.getText('t')
  doc.getMap('m')
  doc.getArray('a')
  docs.push(entry)
}

const resolve = (doc, r) => {
  const root = decoding.readVarString(r)
  let type = root === 't' ? doc.getText('t') : root === 'm' ? doc.getMap('m') : doc.getArray('a')
  for (let steps = decoding.readVarUint(r); steps > 0; steps--) {
    type = decoding.readVarUint(r) === 0 ? type.get(decoding.readVarString(r)) : type.get(decoding.readVarUint(r))
  }
  return type
}

const newType = kind => kind === 0 ? new Y.Array() : kind === 1 ? new Y.Map() : new Y.Text()

const operations = [
  (type, r) => type.insert(decoding.readVarUint(r), decoding.readVarString(r)),
  (type, r) => type.delete(decoding.readVarUint(r), decoding.readVarUint(r)),
  (type, r) => type.set(decoding.readVarString(r), decoding.readAny(r)),
  (type, r) => type.set(decoding.readVarString(r), newType(decoding.readVarUint(r))),
  (type, r) => type.delete(decoding.readVarString(r)),
  (type, r) => type.insert(decoding.readVarUint(r), decoding.readAny(r)),
  (type, r) => type.insert(decoding.readVarUint(r), [newType(decoding.readVarUint(r))]),
  (type, r) => type.push(decoding.readAny(r))
]

const listOf = updates => bytesOf(out => {
  encoding.writeVarUint(out, updates.length)
  updates.forEach(update => encoding.writeVarUint8Array(out, update))
})

// The clients of a map, highest first, as all encodings have them.
const descending = map => Array.from(map.entries()).sort((a, b) => b[0] - a[0])

const pendingOf = store => bytesOf(out => {
  const structs = store.pendingStructs
  if (structs) {
    note('pending structs')
    encoding.writeVarUint(out, structs.missing.size)
    descending(structs.missing).forEach(([client, clock]) => {
      encoding.writeVarUint(out, client)
      encoding.writeVarUint(out, clock)
    })
    encoding.writeVarUint8Array(out, structs.update)
  } else {
    encoding.writeVarUint(out, 0)
    encoding.writeVarUint8Array(out, new Uint8Array())
  }
  if (store.pendingDs) {
    note('pending deletes')
  }
  encoding.writeVarUint8Array(out, store.pendingDs || new Uint8Array())
})

// Updates emitted by the transaction that ran, and everything that can be read of the document after it.
const checkDoc = (entry, r) => {
  const { doc } = entry
  expect('update event v1', listOf(entry.v1), r)
  expect('update event v2', listOf(entry.v2), r)
  entry.v1.length = entry.v2.length = 0
  const known = decoding.readVarUint8Array(r)
  expect('encodeStateAsUpdate', Y.encodeStateAsUpdate(doc, known), r)
  expect('encodeStateAsUpdateV2', Y.encodeStateAsUpdateV2(doc, known), r)
  expect('encodeStateVector', Y.encodeStateVector(doc), r)
  const snapshot = Y.snapshot(doc)
  expect('encodeSnapshot', Y.encodeSnapshot(snapshot), r)
  expect('encodeSnapshotV2', Y.encodeSnapshotV2(snapshot), r)
  expect('pending', pendingOf(doc.store), r)
  expectText('JSON', JSON.stringify({
    t: doc.getText('t').toString(), m: doc.getMap('m').toJSON(), a: doc.getArray('a').toJSON()
  }), r)
}

const kinds = ['gc', 'deleted', 'json', 'binary', 'string', 'embed', 'format', 'type', 'any', 'doc']

const noteStruct = struct => {
  const kind = struct instanceof Y.GC ? 0 : struct.content.getRef()
  note(kinds[kind])
  if (kind === 7) {
    note('type ' + struct.content.type.constructor.name)
  }
  if (kind === 4 && struct.content.str.includes('\ufffd')) {
    note('cut surrogate pair')
  }
  if (struct.id.client > 0xffffffff) {
    note('client id above 2^32')
  }
  return kind
}

// Every struct with its neighbours.
const structsOf = doc => bytesOf(out => {
  const id = id => {
    encoding.writeVarUint(out, id ? 1 : 0)
    if (id) {
      encoding.writeVarUint(out, id.client)
      encoding.writeVarUint(out, id.clock)
    }
  }
  descending(doc.store.clients).forEach(([client, structs]) => {
    encoding.writeVarUint(out, client)
    encoding.writeVarUint(out, structs.length)
    structs.forEach(struct => {
      const kind = noteStruct(struct)
      encoding.writeVarUint(out, struct.id.clock)
      encoding.writeVarUint(out, struct.length)
      encoding.writeVarUint(out, kind)
      if (kind !== 0) {
        encoding.writeVarUint(out, struct.deleted ? 1 : 0)
        id(struct.left && struct.left.lastId)
        id(struct.right && struct.right.id)
        id(struct.origin)
        id(struct.rightOrigin)
        encoding.writeVarString(out, struct.parentSub === null ? '' : 'k' + struct.parentSub)
      }
    })
  })
})

const merges = [Y.mergeUpdates, Y.mergeUpdatesV2]
const diffs = [Y.diffUpdate, Y.diffUpdateV2]
const vectors = [Y.encodeStateVectorFromUpdate, Y.encodeStateVectorFromUpdateV2]
const applies = [Y.applyUpdate, Y.applyUpdateV2]
const obfuscates = [Y.obfuscateUpdate, Y.obfuscateUpdateV2]
const converts = [Y.convertUpdateFormatV1ToV2, Y.convertUpdateFormatV2ToV1]
const decodes = [Y.decodeUpdate, Y.decodeUpdateV2]

// Yjs takes a GC and an Item of one clock in an order that its sort makes up: then it is the content that counts.
const sameContent = (format, theirs, ours) => {
  const show = update => {
    const doc = new Y.Doc()
    applies[format](doc, update)
    return Buffer.concat([Y.encodeStateVector(doc), vectors[format](update)])
  }
  return equal(show(theirs), show(ours))
}

const hasBoth = (format, updates) => {
  const all = updates.map(update => decodes[format](update).structs).flat()
  return all.some(s => s instanceof Y.GC) && all.some(s => s instanceof Y.Item)
}

// Other engines that speak the format show what Yjs shows.
const checkSwarm = (doc) => {
  const update = Y.encodeStateAsUpdate(doc)
  const vector = Y.encodeStateVector(doc)
  const next = new Y14.Doc({ gc: doc.gc })
  Y14.applyUpdate(next, update)
  // A document that was loaded whole may have merged what one that grew has not.
  const loaded = new Y.Doc({ gc: doc.gc })
  Y.applyUpdate(loaded, update)
  const theirs = Y14.encodeStateAsUpdate(next)
  const expected = Y.encodeStateAsUpdate(loaded)
  if (!equal(theirs, expected)) {
    throw new Difference('@y/y encodeStateAsUpdate', theirs, expected)
  }
  const theirsV2 = Y14.encodeStateAsUpdateV2(next)
  const expectedV2 = Y.encodeStateAsUpdateV2(loaded)
  if (!equal(theirsV2, expectedV2)) {
    throw new Difference('@y/y encodeStateAsUpdateV2', theirsV2, expectedV2)
  }
  note('swarm')
  // ywasm cuts client ids to 32 bits (y-crdt#221): what it says of longer ones is of other clients.
  if (Array.from(doc.store.clients.keys()).some(client => client > 0xffffffff)) {
    return
  }
  const rust = new ywasm.YDoc()
  ywasm.applyUpdate(rust, update)
  const rustVector = Y.decodeStateVector(ywasm.encodeStateVector(rust))
  if (JSON.stringify(descending(rustVector)) !== JSON.stringify(descending(Y.decodeStateVector(vector)))) {
    throw new Difference('ywasm encodeStateVector', ywasm.encodeStateVector(rust), vector)
  }
  const rustText = rust.getText('t').toString()
  if (rustText !== doc.getText('t').toString()) {
    throw new Difference('ywasm text', Buffer.from(rustText), Buffer.from(doc.getText('t').toString()))
  }
  rust.free()
  note('swarm with ywasm')
}

const commands = [
  // 0: make a document
  makeDoc,
  // 1: edit in one transaction
  r => {
    const entry = docs[decoding.readVarUint(r)]
    entry.doc.transact(() => {
      for (let count = decoding.readVarUint(r); count > 0; count--) {
        const type = resolve(entry.doc, r)
        operations[decoding.readVarUint(r)](type, r)
      }
    })
    checkDoc(entry, r)
  },
  // 2: apply an update
  r => {
    const entry = docs[decoding.readVarUint(r)]
    const format = decoding.readVarUint(r)
    applies[format](entry.doc, decoding.readVarUint8Array(r))
    checkDoc(entry, r)
  },
  // 3: every struct of a document
  r => expect('struct store', structsOf(docs[decoding.readVarUint(r)].doc), r),
  // 4 to 8: without a document
  r => {
    const format = decoding.readVarUint(r)
    const updates = readUpdates(r)
    const theirs = merges[format](updates)
    const ours = decoding.readVarUint8Array(r)
    if (!equal(theirs, ours)) {
      if (!hasBoth(format, updates) || !sameContent(format, theirs, ours)) {
        throw new Difference('mergeUpdates', theirs, ours)
      }
      note('merge of GC and Item in another order')
    }
    skips += decodes[format](theirs).structs.filter(struct => struct instanceof Y.Skip).length
  },
  r => {
    const format = decoding.readVarUint(r)
    expect('diffUpdate', diffs[format](decoding.readVarUint8Array(r), decoding.readVarUint8Array(r)), r)
  },
  r => {
    const format = decoding.readVarUint(r)
    expect('encodeStateVectorFromUpdate', vectors[format](decoding.readVarUint8Array(r)), r)
  },
  r => {
    const format = decoding.readVarUint(r)
    expect('convertUpdateFormat', converts[format](decoding.readVarUint8Array(r)), r)
  },
  r => {
    const format = decoding.readVarUint(r)
    expect('obfuscateUpdate', obfuscates[format](decoding.readVarUint8Array(r)), r)
  },
  // 9: a version of a document that collects nothing
  r => {
    const { doc } = docs[decoding.readVarUint(r)]
    const format = decoding.readVarUint(r)
    const bytes = decoding.readVarUint8Array(r)
    const snapshot = format === 0 ? Y.decodeSnapshot(bytes) : Y.decodeSnapshotV2(bytes)
    const old = Y.createDocFromSnapshot(doc, snapshot)
    expect('createDocFromSnapshot', Y.encodeStateAsUpdate(old), r)
    note('version')
  },
  // 10: the other engines
  r => checkSwarm(docs[decoding.readVarUint(r)].doc)
]

const runSession = request => {
  docs = []
  skips = 0
  seen.clear()
  let at = 0
  let what = ''
  try {
    while (decoding.hasContent(request)) {
      const command = decoding.readVarUint(request)
      what = 'command ' + command
      commands[command](request)
      at++
    }
    return null
  } catch (error) {
    const difference = error instanceof Difference ? error : new Difference(`${what}: ${error.stack}`, new Uint8Array(), new Uint8Array())
    return { at, difference }
  }
}

const readExactly = size => {
  const buffer = new Uint8Array(size)
  for (let at = 0; at < size;) {
    const count = readSync(0, buffer, at, size - at, null)
    if (count === 0) {
      return null
    }
    at += count
  }
  return buffer
}

while (true) {
  const header = readExactly(4)
  if (header === null) {
    break
  }
  const body = readExactly(new DataView(header.buffer).getUint32(0))
  const failure = runSession(decoding.createDecoder(body))
  const answer = bytesOf(out => {
    encoding.writeVarUint(out, failure === null ? 0 : 1)
    if (failure !== null) {
      encoding.writeVarUint(out, failure.at)
      encoding.writeVarString(out, failure.difference.message)
      encoding.writeVarUint8Array(out, failure.difference.theirs)
      encoding.writeVarUint8Array(out, failure.difference.ours)
    }
    if (skips > 0) {
      seen.set('skip', skips)
    }
    encoding.writeVarUint(out, seen.size)
    seen.forEach((count, name) => {
      encoding.writeVarString(out, name)
      encoding.writeVarUint(out, count)
    })
  })
  const frame = new Uint8Array(4 + answer.length)
  new DataView(frame.buffer).setUint32(0, answer.length)
  frame.set(answer, 4)
  for (let at = 0; at < frame.length;) {
    at += writeSync(1, frame, at)
  }
}
