// What Yjs 14 and yrs make of a document of Yjs 13.
import * as Y from 'yjs'
import * as Y14 from '@y/y'
import * as ywasm from 'ywasm'

const contentsOf = doc => Array.from(doc.store.clients.values()).flat().filter(struct => struct instanceof Y.Item)
  .map(item => item.content)

// What a type holds, by its items: the same for both versions of Yjs, whose methods differ.
const holds = type => {
  const list = []
  const show = content => content.str ?? content.arr ?? content.embed ?? content.content ?? content.doc?.guid ?? (content.type && holds(content.type))
  for (let item = type._start; item !== null; item = item.right) {
    if (!item.deleted && item.countable) {
      const value = show(item.content)
      if (typeof value === 'string' && typeof list[list.length - 1] === 'string') {
        list[list.length - 1] += value
      } else {
        list.push(...(item.content.arr ? value : [value]))
      }
    }
  }
  const members = Array.from(type._map).filter(([_, item]) => !item.deleted).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([key, { content }]) => [key, show(content)])
  return { list, members }
}

const bytesOf = value => Buffer.from(JSON.stringify(value), 'utf8')

/** Whether a document of Yjs 14 holds what one of Yjs 13 does. */
export const compareYjs14 = (next, doc, same) => {
  same('@y/y encodeStateVector', Y14.encodeStateVector(next), Y.encodeStateVector(doc))
  for (const name of ['t', 'm', 'a', 'x']) {
    same('@y/y content', bytesOf(holds(next.get(name))), bytesOf(holds(doc.get(name))))
  }
}

// Documents that were loaded whole may have merged what one that grew has not. And who loads formatted text cleans up, each
// version in its way.
const checkYjs14 = (doc, update, same) => {
  const next = new Y14.Doc({ gc: doc.gc })
  Y14.applyUpdate(next, update)
  compareYjs14(next, doc, same)
  if (!contentsOf(doc).some(content => content.getRef() === 6)) {
    const loaded = new Y.Doc({ gc: doc.gc })
    Y.applyUpdate(loaded, update)
    same('@y/y encodeStateAsUpdate', Y14.encodeStateAsUpdate(next), Y.encodeStateAsUpdate(loaded))
    same('@y/y encodeStateAsUpdateV2', Y14.encodeStateAsUpdateV2(next), Y.encodeStateAsUpdateV2(loaded))
  }
}

const collected = struct => struct instanceof Y.GC || (struct.deleted && struct.parent._item?.deleted === true)

// ywasm cuts client ids to 32 bits (y-crdt#221): what it says of longer ones is of other clients. And it stops deleting
// a range where it meets something collected: what comes behind that with its content stays.
const beyondYwasm = doc => Array.from(doc.store.clients).some(([client, structs]) => client > 0xffffffff ||
  structs.some((struct, i) => i > 0 && struct.deleted && struct instanceof Y.Item && struct.content.getRef() !== 1 &&
    structs.slice(0, i).reverse().find(left => !left.deleted || collected(left))?.deleted === true))

// yrs has integers in 64 bits, and shows bytes as numbers.
const plain = value => typeof value === 'bigint'
  ? Number(value)
  : Array.isArray(value) || value instanceof Uint8Array
    ? Array.from(value, plain)
    : value !== null && typeof value === 'object'
      ? Object.fromEntries(Object.keys(value).sort().map(key => [key, plain(value[key])]))
      : value

// It words documents within, embeds, and XML its own way.
const wordedAlike = content => ![5, 6, 9].includes(content.getRef()) &&
  !(content.type instanceof Y.XmlFragment) && !(content.type instanceof Y.XmlText)

/** Whether a document of yrs holds what one of Yjs 13 does. */
export const compareYwasm = (rust, doc, same) => {
  const vector = bytes => bytesOf(Array.from(Y.decodeStateVector(bytes)).sort(([a], [b]) => a - b))
  same('ywasm encodeStateVector', vector(ywasm.encodeStateVector(rust)), vector(Y.encodeStateVector(doc)))
  same('ywasm text', Buffer.from(rust.getText('t').toString()), Buffer.from(doc.getText('t').toString()))
  if (contentsOf(doc).every(wordedAlike)) {
    same('ywasm map', bytesOf(plain(rust.getMap('m').toJson())), bytesOf(plain(doc.getMap('m').toJSON())))
    same('ywasm array', bytesOf(plain(rust.getArray('a').toJson())), bytesOf(plain(doc.getArray('a').toJSON())))
  }
}

const checkYwasm = (doc, update, same) => {
  const rust = new ywasm.YDoc()
  ywasm.applyUpdate(rust, update)
  compareYwasm(rust, doc, same)
  rust.free()
}

/** `same` throws if two byte arrays differ; `note` counts. */
export const checkSwarm = (doc, note, same) => {
  const update = Y.encodeStateAsUpdate(doc)
  checkYjs14(doc, update, same)
  note('swarm')
  if (!beyondYwasm(doc)) {
    checkYwasm(doc, update, same)
    note('swarm with ywasm')
  }
}
