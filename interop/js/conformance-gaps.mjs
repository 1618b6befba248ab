// A document of Yjs 14, the twin of a replica of ours that integrates over gaps: after each transaction it is what ours is.
import * as Y from '@y/y'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { bytesOf, descending, structsOf } from './conformance-bytes.mjs'
import { note } from './conformance-seen.mjs'

// Nobody's: a document that hears its own id takes another.
const readerId = 2 ** 53 - 17
const applies = [Y.applyUpdate, Y.applyUpdateV2]

let reader = null

export const makeReader = r => {
  const doc = new Y.Doc({ gc: decoding.readVarUint(r) === 1 })
  doc.clientID = readerId
  doc.cleanupFormatting = false
  reader = { doc, events: [[], []], filled: 0 }
  doc.on('update', update => reader.events[0].push(update))
  doc.on('updateV2', update => reader.events[1].push(update))
  for (const name of ['t', 'm', 'a', 'x']) {
    doc.get(name)
  }
}

const gapsOf = store => bytesOf(out => {
  encoding.writeVarUint(out, store.skips.clients.size)
  descending(store.skips.clients).forEach(([client, ranges]) => {
    const ids = ranges.getIds()
    encoding.writeVarUint(out, client)
    encoding.writeVarUint(out, ids.length)
    ids.forEach(({ clock, len }) => {
      encoding.writeVarUint(out, clock)
      encoding.writeVarUint(out, clock + len)
    })
  })
})

const vectorOf = map => bytesOf(out => {
  encoding.writeVarUint(out, map.size)
  descending(map).forEach(([client, clock]) => {
    encoding.writeVarUint(out, client)
    encoding.writeVarUint(out, clock)
  })
})

const shownText = type => {
  let text = ''
  for (let item = type._start; item !== null; item = item.right) {
    if (!item.deleted && item.content.str !== undefined) {
      text += item.content.str
    }
  }
  return text
}

// What there is in a session of plain content: lists, maps and text.
const shown = type => {
  if (type._legacyTypeRef === 2) {
    return shownText(type)
  }
  return type._legacyTypeRef === 1 ? shownMap(type) : type.toArray().map(shownValue)
}
const shownValue = value => value instanceof Y.Type ? shown(value) : value
const shownMap = type => {
  const members = {}
  type._map.forEach((item, key) => {
    if (!item.deleted) {
      members[key] = shownValue(item.content.getContent()[item.length - 1])
    }
  })
  return members
}

const noteGaps = (store, before) => {
  let count = 0
  store.skips.clients.forEach(ranges => {
    const ids = ranges.getIds()
    count += ids.length
    note('gap')
    note('two gaps of a client', ids.length > 1 ? 1 : 0)
    note('gap at the beginning', ids[0].clock === 0 ? 1 : 0)
    note('structs that wait for a gap', store.pendingStructs ? 1 : 0)
    note('deletions that wait for a gap', store.pendingDs ? 1 : 0)
  })
  note('gap filled', count < before.count ? 1 : 0)
  note('gap filled in part', count >= before.count && before.count > 0 && gapsOf(store).join() !== before.gaps ? 1 : 0)
}

const gapCount = store => Array.from(store.skips.clients.values()).reduce((sum, ranges) => sum + ranges.getIds().length, 0)

/** `expect` throws if what is next of `r` is something else. */
export const applyToReader = (r, expect) => {
  const { doc, events } = reader
  const { store } = doc
  const before = { count: gapCount(store), gaps: gapsOf(store).join() }
  const format = decoding.readVarUint(r)
  applies[format](doc, decoding.readVarUint8Array(r), 'a peer')
  noteGaps(store, before)
  for (const heard of events) {
    const ours = decoding.readVarUint(r)
    expect('Yjs 14: number of updates', Uint8Array.of(heard.length), Uint8Array.of(ours))
    heard.splice(0).forEach(update => expect('Yjs 14: update event', update, decoding.readVarUint8Array(r)))
  }
  const alike = decoding.readVarUint(r) === 1
  const known = decoding.readVarUint8Array(r)
  for (const encode of [Y.encodeStateAsUpdate, Y.encodeStateAsUpdateV2]) {
    const ours = decoding.readVarUint8Array(r)
    if (alike) {
      expect('Yjs 14: ' + encode.name, encode(doc, known), ours)
    } else {
      note('state that Yjs 14 puts together wrongly')
    }
  }
  const snapshot = Y.snapshot(doc)
  expect('Yjs 14: encodeStateVector', Y.encodeStateVector(doc), decoding.readVarUint8Array(r))
  expect('Yjs 14: encodeSnapshot', Y.encodeSnapshot(snapshot), decoding.readVarUint8Array(r))
  expect('Yjs 14: encodeSnapshotV2', Y.encodeSnapshotV2(snapshot), decoding.readVarUint8Array(r))
  expect('Yjs 14: missing', vectorOf(store.pendingStructs ? store.pendingStructs.missing : new Map()), decoding.readVarUint8Array(r))
  expect('Yjs 14: gaps', gapsOf(store), decoding.readVarUint8Array(r))
  expect('Yjs 14: struct store', structsOf(store.clients, struct => struct.ref), decoding.readVarUint8Array(r))
  const ours = decoding.readVarUint8Array(r)
  const content = JSON.parse(Buffer.from(ours).toString('utf8'))
  expect('Yjs 14: JSON', Buffer.from(JSON.stringify({
    t: shownText(doc.get('t')),
    m: content.m && shownMap(doc.get('m')),
    a: content.a && doc.get('a').toArray().map(shownValue)
  }), 'utf8'), ours)
}
