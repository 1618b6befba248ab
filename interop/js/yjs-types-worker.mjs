// Runs npm's Yjs for interop/yjs_types.cpp: a request per frame on stdin, a response per frame on stdout.
// A frame is a 32-bit big-endian length and a lib0-encoded body. Errors end the process with a message on stderr.
import { readSync, writeSync } from 'node:fs'
import * as Y from 'yjs'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

const { readVarUint, readVarInt, readVarString, readVarUint8Array, readAny } = decoding

/** @type {Map<number, { doc: Y.Doc, updates: Uint8Array[], log: string[], undo: Y.UndoManager | null }>} */
const docs = new Map()

// What a value is in a log: types by a word, for they may be gone when the log is read.
const show = value => value instanceof Y.AbstractType ? '[type]' : value instanceof Y.Doc ? '[doc]' : value

const showDelta = delta => delta.map(step => step.insert === undefined
  ? step
  : { ...step, insert: Array.isArray(step.insert) ? step.insert.map(show) : show(step.insert) })

const tellEvent = (path, event) => {
  const delta = showDelta(event.delta)
  const keys = {}
  event.keys.forEach((change, key) => { keys[key] = [change.action, show(change.oldValue)] })
  return JSON.stringify([path, delta, keys])
}

const plain = value => {
  if (value instanceof Y.Doc) {
    return value.guid
  } else if (value instanceof Y.Array) {
    return value.toArray().map(plain)
  } else if (value instanceof Y.Map) {
    const members = {}
    value.forEach((member, key) => { members[key] = plain(member) })
    return members
  }
  return value instanceof Y.AbstractType ? value.toString() : value
}

// Steps of the same attributes are one: marks that say nothing do not count.
const joined = delta => delta.reduce((steps, step) => {
  const last = steps[steps.length - 1]
  if (last !== undefined && typeof last.insert === 'string' && typeof step.insert === 'string' &&
      JSON.stringify(last.attributes) === JSON.stringify(step.attributes)) {
    last.insert += step.insert
    return steps
  }
  return [...steps, { ...step }]
}, [])

const sorted = value => value === null || typeof value !== 'object' || Array.isArray(value)
  ? value
  : Object.fromEntries(Object.keys(value).sort().map(key => [key, sorted(value[key])]))

const makeDoc = (index, clientID, observed) => {
  const doc = new Y.Doc()
  doc.clientID = clientID
  const entry = { doc, updates: [], log: [], undo: null }
  doc.on('update', update => entry.updates.push(update))
  const roots = [doc.getText('t'), doc.getMap('m'), doc.getArray('a'), doc.getXmlFragment('x')]
  if (observed) {
    roots[0].observe(event => entry.log.push(tellEvent([], event)))
    roots.slice(1).forEach(root => root.observeDeep(events =>
      events.forEach(event => entry.log.push(tellEvent(event.path, event)))))
    doc.on('subdocs', ({ added, removed, loaded }) => entry.log.push(JSON.stringify(
      [added, removed, loaded].map(set => Array.from(set).map(subdoc => subdoc.guid)))))
  }
  docs.set(index, entry)
}

const roots = {
  t: doc => doc.getText('t'), m: doc => doc.getMap('m'), a: doc => doc.getArray('a'), x: doc => doc.getXmlFragment('x')
}

const resolve = (doc, request) => {
  let type = roots[readVarString(request)](doc)
  for (let steps = readVarUint(request); steps > 0; steps--) {
    type = readVarUint(request) === 0 ? type.get(readVarString(request)) : type.get(readVarUint(request))
  }
  return type
}

const readType = request => {
  const kind = readVarUint(request)
  const name = readVarString(request)
  return [
    () => new Y.Array(), () => new Y.Map(), () => new Y.Text(), () => new Y.XmlElement(name),
    () => new Y.XmlFragment(), () => new Y.XmlHook(name), () => new Y.XmlText()
  ][kind]()
}

const readDoc = request => {
  const guid = readVarString(request)
  const flags = readVarUint(request)
  return new Y.Doc({ guid, gc: (flags & 1) === 0, autoLoad: (flags & 2) !== 0, shouldLoad: (flags & 4) !== 0, meta: (flags & 8) !== 0 ? { m: guid } : null })
}

const operations = [
  (type, r) => type.insert(readVarUint(r), readVarString(r)),
  (type, r) => type.delete(readVarUint(r), readVarUint(r)),
  (type, r) => type.set(readVarString(r), readAny(r)),
  (type, r) => type.set(readVarString(r), readType(r)),
  (type, r) => type.delete(readVarString(r)),
  (type, r) => type.insert(readVarUint(r), readAny(r)),
  (type, r) => type.insert(readVarUint(r), [readType(r)]),
  (type, r) => type.delete(readVarUint(r), readVarUint(r)),
  (type, r) => type.push(readAny(r)),
  (type, r) => type.format(readVarUint(r), readVarUint(r), readAny(r)),
  (type, r) => type.insertEmbed(readVarUint(r), readAny(r), readAny(r)),
  (type, r) => type.insert(readVarUint(r), readVarString(r), readAny(r)),
  (type, r) => type.applyDelta(readAny(r), { sanitize: readVarUint(r) === 0 }),
  (type, r) => type.setAttribute(readVarString(r), readAny(r)),
  (type, r) => type.removeAttribute(readVarString(r)),
  (type, _r) => type.clear(),
  (type, r) => type.unshift(readAny(r)),
  (type, r) => type.insertEmbed(readVarUint(r), readType(r), readAny(r)),
  (type, r) => type.set(readVarString(r), readDoc(r)),
  (type, r) => type.insert(readVarUint(r), [readDoc(r)]),
  (type, r) => {
    const index = readVarUint(r)
    type.insertAfter(index === 0 ? null : type.get(index - 1), [readType(r)])
  }
]

const writeOutcome = (response, entry) => {
  encoding.writeVarUint(response, entry.updates.length)
  entry.updates.forEach(update => encoding.writeVarUint8Array(response, update))
  encoding.writeVarUint(response, entry.log.length)
  entry.log.forEach(line => encoding.writeVarString(response, line))
  entry.updates.length = 0
  entry.log.length = 0
}

const makeUndo = (entry, request) => {
  const mask = readVarUint(request)
  const scope = ['t', 'm', 'a', 'x'].filter((_, i) => (mask & (1 << i)) !== 0).map(name => roots[name](entry.doc))
  const flags = readVarUint(request)
  entry.undo = new Y.UndoManager(scope.length === 0 ? entry.doc : scope, {
    captureTimeout: (flags & 1) !== 0 ? 1e12 : 0, ignoreRemoteMapChanges: (flags & 2) !== 0
  })
  const tell = word => event => entry.log.push(`${word} ${event.type}`)
  entry.undo.on('stack-item-added', tell('added'))
  entry.undo.on('stack-item-updated', tell('updated'))
  entry.undo.on('stack-item-popped', tell('popped'))
}

const handlers = [
  // 0: begin anew
  () => docs.clear(),
  // 1: make a document
  request => makeDoc(readVarUint(request), readVarUint(request), readVarUint(request) !== 0),
  // 2: edit in one transaction
  (request, response) => {
    const entry = docs.get(readVarUint(request))
    entry.doc.transact(() => {
      for (let count = readVarUint(request); count > 0; count--) {
        const type = resolve(entry.doc, request)
        operations[readVarUint(request)](type, request)
      }
    })
    writeOutcome(response, entry)
  },
  // 3: apply an update
  (request, response) => {
    const entry = docs.get(readVarUint(request))
    Y.applyUpdate(entry.doc, readVarUint8Array(request), 'remote')
    writeOutcome(response, entry)
  },
  // 4: what the document is
  (request, response) => {
    const { doc } = docs.get(readVarUint(request))
    encoding.writeVarUint8Array(response, Y.encodeStateAsUpdate(doc))
    encoding.writeVarString(response, JSON.stringify([
      showDelta(doc.getText('t').toDelta()), doc.getText('t').getAttributes(), plain(doc.getMap('m')), plain(doc.getArray('a')),
      plain(doc.getXmlFragment('x'))]))
  },
  // 5: an undo manager
  request => {
    const entry = docs.get(readVarUint(request))
    makeUndo(entry, request)
  },
  // 6: undo, redo, begin a new step, forget
  (request, response) => {
    const entry = docs.get(readVarUint(request))
    const done = [um => um.undo() !== null, um => um.redo() !== null, um => um.stopCapturing(), um => um.clear()][readVarUint(request)](entry.undo)
    encoding.writeVarUint(response, done === true ? 1 : 0)
    writeOutcome(response, entry)
  },
  // 7: a relative position
  (request, response) => {
    const { doc } = docs.get(readVarUint(request))
    const type = resolve(doc, request)
    const position = Y.createRelativePositionFromTypeIndex(type, readVarUint(request), readVarInt(request))
    encoding.writeVarUint8Array(response, Y.encodeRelativePosition(position))
    encoding.writeVarString(response, JSON.stringify(Y.relativePositionToJSON(position)))
  },
  // 8: where it is now
  (request, response) => {
    const { doc } = docs.get(readVarUint(request))
    const position = Y.decodeRelativePosition(readVarUint8Array(request))
    const found = Y.createAbsolutePositionFromRelativePosition(position, doc, readVarUint(request) !== 0)
    encoding.writeVarString(response, found === null ? 'null' : `${found.index} ${found.assoc}`)
  },
  // 9: load every document within
  (request, response) => {
    const entry = docs.get(readVarUint(request))
    Array.from(entry.doc.getSubdocs()).sort((a, b) => a.guid < b.guid ? -1 : 1).forEach(subdoc => subdoc.load())
    writeOutcome(response, entry)
  },
  // 10: what one root shows
  (request, response) => {
    const { doc } = docs.get(readVarUint(request))
    const name = readVarString(request)
    const root = roots[name](doc)
    encoding.writeVarString(response, JSON.stringify(name === 't' ? joined(showDelta(root.toDelta())) : sorted(plain(root))))
  }
]

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
  const request = decoding.createDecoder(readExactly(new DataView(header.buffer).getUint32(0)))
  const response = encoding.createEncoder()
  handlers[readVarUint(request)](request, response)
  const body = encoding.toUint8Array(response)
  const frame = new Uint8Array(4 + body.length)
  new DataView(frame.buffer).setUint32(0, body.length)
  frame.set(body, 4)
  for (let at = 0; at < frame.length;) {
    at += writeSync(1, frame, at)
  }
}
