// npm's Yjs for interop/conformance: a frame is a whole session of commands with the bytes that our engine gave for each;
// the answer is what differs first, and what kinds of structs were seen. Bodies are lib0-encoded. Errors of a command are
// differences too.
import { setTime } from './conformance-clock.mjs'
import * as Y from 'yjs'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { bytesOf, descending, structsOf } from './conformance-bytes.mjs'
import { operations, resolve, rootNames, roots } from './conformance-edit.mjs'
import { serve } from './conformance-frames.mjs'
import { applyToReader, makeReader } from './conformance-gaps.mjs'
import { note, seen } from './conformance-seen.mjs'
import { checkSwarm } from './conformance-swarm.mjs'
import { showDoc, showRoot, tellEvent, tellSubdocs } from './conformance-show.mjs'

class Difference extends Error {
  constructor (what, theirs, ours) {
    super(what)
    this.theirs = theirs
    this.ours = ours
  }
}

let docs = []

/** Set CONFORMANCE_TRACE to see what happens. */
const trace = process.env.CONFORMANCE_TRACE ? line => console.error(line) : () => {}

const equal = (a, b) => a.length === b.length && Buffer.compare(a, b) === 0

const same = (what, theirs, ours) => {
  if (!equal(theirs, ours)) {
    throw new Difference(what, theirs, ours)
  }
}

const expect = (what, theirs, r) => same(what, theirs, decoding.readVarUint8Array(r))

const expectText = (what, theirs, r) => expect(what, Buffer.from(theirs, 'utf8'), r)

const readUpdates = r => Array.from({ length: decoding.readVarUint(r) }, () => decoding.readVarUint8Array(r))

const observe = ({ doc, told }) => {
  doc.getText('t').observe(event => told.push(tellEvent([], event)))
  for (const name of ['m', 'a', 'x']) {
    roots[name](doc).observeDeep(events => events.forEach(event => told.push(tellEvent(event.path, event))))
  }
  doc.on('subdocs', sets => told.push(tellSubdocs(sets)))
}

const makeDoc = r => {
  const doc = new Y.Doc({ gc: decoding.readVarUint(r) === 1 })
  doc.clientID = decoding.readVarUint(r)
  const entry = { doc, v1: [], v2: [], told: [], managers: [] }
  doc.on('update', update => entry.v1.push(update))
  doc.on('updateV2', update => entry.v2.push(update))
  rootNames.forEach(name => roots[name](doc))
  if (decoding.readVarUint(r) === 1) {
    observe(entry)
  }
  docs.push(entry)
}

/** Of transactions; 0 is none. */
const originOf = number => number === 0 ? null : 'origin ' + number

const makeUndo = r => {
  const entry = docs[decoding.readVarUint(r)]
  const mask = decoding.readVarUint(r)
  const flags = decoding.readVarUint(r)
  const captureTimeout = decoding.readVarUint(r)
  const origins = decoding.readVarUint(r)
  const scope = rootNames.filter((_, i) => (mask & (1 << i)) !== 0).map(name => roots[name](entry.doc))
  const manager = new Y.UndoManager(scope.length === 0 ? entry.doc : scope, {
    captureTimeout,
    trackedOrigins: new Set([0, 1, 2, 3].filter(i => (origins & (1 << i)) !== 0).map(originOf)),
    ignoreRemoteMapChanges: (flags & 1) !== 0,
    captureTransaction: transaction => (flags & 2) === 0 || transaction.origin !== originOf(3),
    deleteFilter: item => (flags & 4) === 0 || (item.id.clock + item.length) % 5 !== 0
  })
  for (const word of ['added', 'updated', 'popped']) {
    manager.on('stack-item-' + word, event => entry.told.push(`${word} ${event.type}`))
  }
  entry.managers.push(manager)
}

const undoActions = [
  manager => manager.undo() !== null,
  manager => manager.redo() !== null,
  manager => manager.stopCapturing(),
  manager => manager.clear(),
  manager => manager.clear(true, false),
  manager => manager.clear(false, true),
  (manager, argument) => manager.addTrackedOrigin(originOf(argument)),
  (manager, argument) => manager.removeTrackedOrigin(originOf(argument)),
  (manager, argument, doc) => manager.addToScope(roots[rootNames[argument]](doc))
]

const listOf = updates => bytesOf(out => {
  encoding.writeVarUint(out, updates.length)
  updates.forEach(update => encoding.writeVarUint8Array(out, update))
})

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

// A state with parked structs is a merge of both, where a GC of the document may meet a parked Item.
const expectState = (what, format, doc, theirs, r) => {
  const ours = decoding.readVarUint8Array(r)
  if (equal(theirs, ours)) {
    return
  }
  if (!doc.store.pendingStructs || !hasBoth(format, [theirs, ours]) || !sameContent(format, theirs, ours)) {
    throw new Difference(what, theirs, ours)
  }
  note('state with a GC and a parked Item in another order')
}

// Updates emitted by the transaction that ran, and everything that can be read of the document after it.
const checkDoc = (entry, r) => {
  const { doc } = entry
  expect('update event v1', listOf(entry.v1), r)
  expect('update event v2', listOf(entry.v2), r)
  expectText('events', entry.told.map(line => line + '\n').join(''), r)
  entry.v1.length = entry.v2.length = entry.told.length = 0
  const known = decoding.readVarUint8Array(r)
  expectState('encodeStateAsUpdate', 0, doc, Y.encodeStateAsUpdate(doc, known), r)
  expectState('encodeStateAsUpdateV2', 1, doc, Y.encodeStateAsUpdateV2(doc, known), r)
  expect('encodeStateVector', Y.encodeStateVector(doc), r)
  const snapshot = Y.snapshot(doc)
  expect('encodeSnapshot', Y.encodeSnapshot(snapshot), r)
  expect('encodeSnapshotV2', Y.encodeSnapshotV2(snapshot), r)
  expect('pending', pendingOf(doc.store), r)
  expectText('JSON', showDoc(doc), r)
  for (let count = decoding.readVarUint(r); count > 0; count--) {
    const position = Y.decodeRelativePosition(decoding.readVarUint8Array(r))
    const found = Y.createAbsolutePositionFromRelativePosition(position, doc, decoding.readVarUint(r) === 1)
    expectText('absolute position', found === null ? 'nowhere' : `${found.index} ${found.assoc}`, r)
    note(found === null ? 'position nowhere' : 'position found')
  }
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

const commands = [
  // 0: make a document
  makeDoc,
  // 1: edit in one transaction
  r => {
    const entry = docs[decoding.readVarUint(r)]
    const origin = originOf(decoding.readVarUint(r))
    entry.doc.transact(() => {
      for (let count = decoding.readVarUint(r); count > 0; count--) {
        const type = resolve(entry.doc, r)
        const operation = decoding.readVarUint(r)
        operations[operation](type, r)
        trace(`  operation ${operation} on ${type.constructor.name}: ${showDoc(entry.doc)}`)
      }
    }, origin)
    checkDoc(entry, r)
  },
  // 2: apply an update
  r => {
    const entry = docs[decoding.readVarUint(r)]
    // Yjs takes an update without an origin for an edit without one: UndoManagers would take it back.
    const origin = originOf(decoding.readVarUint(r)) || 'a peer'
    const format = decoding.readVarUint(r)
    applies[format](entry.doc, decoding.readVarUint8Array(r), origin)
    if (entry.v1.length > 1) {
      note('clean-up of formatting')
    }
    checkDoc(entry, r)
  },
  // 3: every struct of a document
  r => expect('struct store', structsOf(docs[decoding.readVarUint(r)].doc.store.clients, noteStruct), r),
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
    note('skip', decodes[format](theirs).structs.filter(struct => struct instanceof Y.Skip).length)
  },
  r => {
    const format = decoding.readVarUint(r)
    const update = decoding.readVarUint8Array(r)
    const difference = diffs[format](update, decoding.readVarUint8Array(r))
    expect('diffUpdate', difference, r)
    const starts = bytes => decodes[format](bytes).structs.map(({ id }) => `${id.client} ${id.clock}`)
    const known = new Set(starts(update))
    note('struct without its beginning', starts(difference).filter(start => !known.has(start)).length)
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
  // 10: other engines that speak the format show what Yjs shows
  r => checkSwarm(docs[decoding.readVarUint(r)].doc, note, same),
  // 11: an undo manager
  makeUndo,
  // 12: undo, redo, and what else it does
  r => {
    const entry = docs[decoding.readVarUint(r)]
    const manager = entry.managers[decoding.readVarUint(r)]
    const action = decoding.readVarUint(r)
    const done = undoActions[action](manager, decoding.readVarUint(r), entry.doc)
    expect('undo', Uint8Array.of(done === true ? 1 : 0), r)
    trace(`  action ${action}: ${showDoc(entry.doc)}`)
    if (done === true) {
      note(action === 0 ? 'undo' : 'redo')
    }
    checkDoc(entry, r)
  },
  // 13: a relative position
  r => {
    const { doc } = docs[decoding.readVarUint(r)]
    const type = resolve(doc, r)
    const position = Y.createRelativePositionFromTypeIndex(type, decoding.readVarUint(r), decoding.readVarInt(r))
    expect('relative position', Y.encodeRelativePosition(position), r)
    expectText('relative position as JSON', JSON.stringify(Y.relativePositionToJSON(position)), r)
  },
  // 14: load every document within, or give it up
  r => {
    const entry = docs[decoding.readVarUint(r)]
    const load = decoding.readVarUint(r) === 1
    Array.from(entry.doc.getSubdocs()).sort((a, b) => a.guid < b.guid ? -1 : 1).forEach(subdoc => load ? subdoc.load() : subdoc.destroy())
    note(load ? 'documents loaded' : 'documents given up')
    checkDoc(entry, r)
  },
  // 15: it is that late
  r => setTime(decoding.readVarUint(r)),
  // 16: whether a version has all of an update
  r => {
    const snapshot = Y.decodeSnapshotV2(decoding.readVarUint8Array(r))
    const contained = Y.snapshotContainsUpdate(snapshot, decoding.readVarUint8Array(r))
    expect('snapshotContainsUpdate', Uint8Array.of(contained ? 1 : 0), r)
    note(contained ? 'version with an update' : 'version without an update')
  },
  // 17: what one root shows of two updates
  r => {
    const doc = new Y.Doc()
    rootNames.forEach(name => roots[name](doc))
    Y.applyUpdate(doc, decoding.readVarUint8Array(r))
    Y.applyUpdate(doc, decoding.readVarUint8Array(r))
    const name = decoding.readVarString(r)
    expectText('outcome', showRoot(name, roots[name](doc)), r)
    note('conflict')
  },
  // 18, 19: a document of Yjs 14 that hears what it hears in any order (GapMode::v14)
  makeReader,
  r => applyToReader(r, same)
]

const runSession = request => {
  docs = []
  setTime(1)
  seen.clear()
  let at = 0
  let what = ''
  try {
    while (decoding.hasContent(request)) {
      const command = decoding.readVarUint(request)
      what = 'command ' + command
      trace(`${at} ${what}`)
      commands[command](request)
      at++
    }
    return null
  } catch (error) {
    docs.forEach(({ doc }, i) => trace(`document ${i}: ${Buffer.from(Y.encodeStateAsUpdate(doc)).toString('hex')}`))
    const difference = error instanceof Difference ? error : new Difference(`${what}: ${error.stack || error}`, new Uint8Array(), new Uint8Array())
    return { at, difference }
  }
}

serve(body => {
  const failure = runSession(decoding.createDecoder(body))
  return bytesOf(out => {
    encoding.writeVarUint(out, failure === null ? 0 : 1)
    if (failure !== null) {
      encoding.writeVarUint(out, failure.at)
      encoding.writeVarString(out, failure.difference.message)
      encoding.writeVarUint8Array(out, failure.difference.theirs)
      encoding.writeVarUint8Array(out, failure.difference.ours)
    }
    encoding.writeVarUint(out, seen.size)
    seen.forEach((count, name) => {
      encoding.writeVarString(out, name)
      encoding.writeVarUint(out, count)
    })
  })
})
