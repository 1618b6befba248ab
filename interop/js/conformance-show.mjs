// What a document of npm's Yjs holds and tells, as interop/conformance words it.
import * as Y from 'yjs'

// What a value is in a log: types by a word, for they may be gone when the log is read.
const show = value => value instanceof Y.AbstractType ? '[type]' : value instanceof Y.Doc ? '[doc]' : value

const showDelta = delta => delta.map(step => step.insert === undefined
  ? step
  : { ...step, insert: Array.isArray(step.insert) ? step.insert.map(show) : show(step.insert) })

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

/** Everything, as JSON. */
export const showDoc = doc => JSON.stringify({
  t: showDelta(doc.getText('t').toDelta()),
  attributes: doc.getText('t').getAttributes(),
  m: plain(doc.getMap('m')),
  a: plain(doc.getArray('a')),
  x: doc.getXmlFragment('x').toString()
})

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

/** What one root shows, the same of all documents that know the same. */
export const showRoot = (name, root) =>
  JSON.stringify(name === 't' ? joined(showDelta(root.toDelta())) : sorted(plain(root)))

/** What an observer heard. */
export const tellEvent = (path, event) => {
  const delta = showDelta(event.delta)
  const keys = {}
  event.keys.forEach((change, key) => { keys[key] = [change.action, show(change.oldValue)] })
  return JSON.stringify([path, delta, keys])
}

export const tellSubdocs = ({ added, removed, loaded }) =>
  JSON.stringify([added, removed, loaded].map(set => Array.from(set).map(subdoc => subdoc.guid)))
