// Runs npm's Yjs for interop/yjs_differential.cpp: a request per frame on stdin, a response per frame on stdout.
// A frame is a 32-bit big-endian length and a lib0-encoded body. Errors end the process with a message on stderr.
import { readSync, writeSync } from 'node:fs'
import * as Y from 'yjs'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** @type {Map<number, { doc: Y.Doc, updates: Uint8Array[] }>} */
const docs = new Map()

const makeDoc = (index, clientID) => {
  const doc = new Y.Doc()
  doc.clientID = clientID
  const entry = { doc, updates: [] }
  doc.on('update', update => entry.updates.push(update))
  doc.getText('t')
  doc.getMap('m')
  doc.getArray('a')
  docs.set(index, entry)
}

const resolve = (doc, request) => {
  const root = decoding.readVarString(request)
  let type = root === 't' ? doc.getText('t') : root === 'm' ? doc.getMap('m') : doc.getArray('a')
  for (let steps = decoding.readVarUint(request); steps > 0; steps--) {
    type = decoding.readVarUint(request) === 0
      ? type.get(decoding.readVarString(request))
      : type.get(decoding.readVarUint(request))
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
  (type, r) => type.delete(decoding.readVarUint(r), decoding.readVarUint(r)),
  (type, r) => type.push(decoding.readAny(r)),
  (type, r) => type.format(decoding.readVarUint(r), decoding.readVarUint(r), decoding.readAny(r)),
  (type, r) => type.insertEmbed(decoding.readVarUint(r), decoding.readAny(r))
]

const writeUpdates = (response, entry) => {
  encoding.writeVarUint(response, entry.updates.length)
  entry.updates.forEach(update => encoding.writeVarUint8Array(response, update))
  entry.updates.length = 0
}

const readUpdates = request => {
  const updates = []
  for (let count = decoding.readVarUint(request); count > 0; count--) {
    updates.push(decoding.readVarUint8Array(request))
  }
  return updates
}

const handlers = [
  // 0: begin anew
  () => docs.clear(),
  // 1: make a document
  request => makeDoc(decoding.readVarUint(request), decoding.readVarUint(request)),
  // 2: edit in one transaction
  (request, response) => {
    const entry = docs.get(decoding.readVarUint(request))
    entry.doc.transact(() => {
      for (let count = decoding.readVarUint(request); count > 0; count--) {
        const type = resolve(entry.doc, request)
        operations[decoding.readVarUint(request)](type, request)
      }
    })
    writeUpdates(response, entry)
  },
  // 3: apply an update
  (request, response) => {
    const entry = docs.get(decoding.readVarUint(request))
    Y.applyUpdate(entry.doc, decoding.readVarUint8Array(request))
    writeUpdates(response, entry)
  },
  // 4: what the document is
  (request, response) => {
    const { doc } = docs.get(decoding.readVarUint(request))
    encoding.writeVarUint8Array(response, Y.encodeStateAsUpdate(doc, decoding.readVarUint8Array(request)))
    encoding.writeVarUint8Array(response, Y.encodeStateVector(doc))
    encoding.writeVarString(response, JSON.stringify({
      t: doc.getText('t').toString(), m: doc.getMap('m').toJSON(), a: doc.getArray('a').toJSON()
    }))
  },
  // 5, 6, 7: without a document
  (request, response) => encoding.writeVarUint8Array(response, Y.mergeUpdates(readUpdates(request))),
  (request, response) => encoding.writeVarUint8Array(response,
    Y.diffUpdate(decoding.readVarUint8Array(request), decoding.readVarUint8Array(request))),
  (request, response) => encoding.writeVarUint8Array(response,
    Y.encodeStateVectorFromUpdate(decoding.readVarUint8Array(request)))
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
  handlers[decoding.readVarUint(request)](request, response)
  const body = encoding.toUint8Array(response)
  const frame = new Uint8Array(4 + body.length)
  new DataView(frame.buffer).setUint32(0, body.length)
  frame.set(body, 4)
  for (let at = 0; at < frame.length;) {
    at += writeSync(1, frame, at)
  }
}
