// The edits of interop/conformance/editor.cpp, in npm's Yjs.
import * as Y from 'yjs'
import { readVarUint, readVarString, readAny as readPlain } from 'lib0/decoding'
import { note, noteValue } from './conformance-seen.mjs'

const readAny = r => {
  const value = readPlain(r)
  noteValue(value)
  return value
}

const readKey = r => {
  const key = readVarString(r)
  note('empty key', key === '' ? 1 : 0)
  return key
}

export const roots = {
  t: doc => doc.getText('t'),
  m: doc => doc.getMap('m'),
  a: doc => doc.getArray('a'),
  x: doc => doc.getXmlFragment('x')
}

export const rootNames = ['t', 'm', 'a', 'x']

/** The type at the path that `r` holds. */
export const resolve = (doc, r) => {
  let type = roots[readVarString(r)](doc)
  for (let steps = readVarUint(r); steps > 0; steps--) {
    type = readVarUint(r) === 0 ? type.get(readVarString(r)) : type.get(readVarUint(r))
  }
  return type
}

const readType = r => {
  const kind = readVarUint(r)
  const name = readVarString(r)
  return [
    () => new Y.Array(), () => new Y.Map(), () => new Y.Text(), () => new Y.XmlElement(name),
    () => new Y.XmlFragment(), () => new Y.XmlHook(name), () => new Y.XmlText()
  ][kind]()
}

const readDoc = r => {
  const guid = readVarString(r)
  const flags = readVarUint(r)
  return new Y.Doc({
    guid, gc: (flags & 1) === 0, autoLoad: (flags & 2) !== 0, shouldLoad: (flags & 4) !== 0, meta: (flags & 8) !== 0 ? { m: guid } : null
  })
}

/** By the numbers of editor.hpp. */
export const operations = [
  (type, r) => {
    const index = readVarUint(r)
    const text = readVarString(r)
    noteValue(text)
    type.insert(index, text)
  },
  (type, r) => type.delete(readVarUint(r), readVarUint(r)),
  (type, r) => type.set(readKey(r), readAny(r)),
  (type, r) => type.set(readKey(r), readType(r)),
  (type, r) => type.delete(readVarString(r)),
  (type, r) => type.insert(readVarUint(r), readAny(r)),
  (type, r) => type.insert(readVarUint(r), [readType(r)]),
  (type, r) => type.push(readAny(r)),
  (type, r) => type.unshift(readAny(r)),
  (type, _r) => type.clear(),
  (type, r) => type.set(readKey(r), readDoc(r)),
  (type, r) => type.insert(readVarUint(r), [readDoc(r)]),
  (type, r) => {
    const index = readVarUint(r)
    type.insertAfter(index === 0 ? null : type.get(index - 1), [readType(r)])
  },
  (type, r) => type.setAttribute(readVarString(r), readAny(r)),
  (type, r) => type.removeAttribute(readVarString(r)),
  (type, r) => type.format(readVarUint(r), readVarUint(r), readAny(r)),
  (type, r) => type.insertEmbed(readVarUint(r), readAny(r), readAny(r)),
  (type, r) => type.insert(readVarUint(r), readVarString(r), readAny(r)),
  (type, r) => type.insertEmbed(readVarUint(r), readType(r), readAny(r)),
  (type, r) => type.applyDelta(readAny(r), { sanitize: readVarUint(r) === 0 })
]
