// Peers of other engines for the mixed swarms of interop/conformance: Yjs 14 and yrs make edits of their own and hear those of
// our engine and of Yjs 13. A request is a command and its arguments, the answer what came of it.
import * as Y from 'yjs'
import * as Y14 from '@y/y'
import * as ywasm from 'ywasm'
import { readVarUint, readVarUint8Array, createDecoder } from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { serve } from './conformance-frames.mjs'
import { compareYjs14, compareYwasm } from './conformance-swarm.mjs'

// A small generator with a seed (mulberry32).
const chanceOf = seed => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  const pick = below => below === 0 ? 0 : next() % below
  return { pick, oneIn: count => pick(count) === 0, of: list => list[pick(list.length)] }
}

const words = chance => Array.from({ length: 1 + chance.pick(4) }, () => chance.of(['a', 'b', 'xyz', ' ', '\n', 'é', '漢字'])).join('')
const value = chance => chance.of([() => null, () => true, () => chance.pick(1000) / 8, () => words(chance), () => [1, 'two'], () => ({ k: words(chance) })])()
const formats = chance => ({ [chance.of(['bold', 'em'])]: chance.of([true, null, 'x']) })

class Yjs14 {
  constructor (client, gc) {
    this.doc = new Y14.Doc({ gc })
    this.doc.clientID = client
    this.updates = []
    this.doc.on('update', update => this.updates.push(update))
    this.roots = ['t', 'm', 'a', 'x'].map(name => this.doc.get(name))
  }

  apply (update, format) {
    [Y14.applyUpdate, Y14.applyUpdateV2][format](this.doc, update, 'a peer')
  }

  edit (chance) {
    const type = this.choose(chance)
    this.doc.transact(() => {
      for (let count = 1 + chance.pick(3); count > 0; count--) {
        this.editType(type, chance)
      }
    })
  }

  // A root, or a text, list or map within.
  choose (chance) {
    let type = chance.of(this.roots.slice(0, 3))
    while (!chance.oneIn(3)) {
      const within = []
      for (let item = type._start; item !== null; item = item.right) {
        if (!item.deleted && item.content.type) {
          within.push(item.content.type)
        }
      }
      type._map.forEach(item => {
        if (!item.deleted && item.content.type) {
          within.push(item.content.type)
        }
      })
      const next = within.filter(({ _legacyTypeRef }) => _legacyTypeRef < 3)
      if (next.length === 0) {
        break
      }
      type = chance.of(next)
    }
    return type
  }

  editType (type, chance) {
    const ref = this.roots.indexOf(type) >= 0 ? [2, 1, 0][this.roots.indexOf(type)] : type._legacyTypeRef
    if (ref === 1) {
      const key = 'k' + chance.pick(5)
      chance.oneIn(4) ? type.deleteAttr(key) : type.setAttr(key, value(chance))
      return
    }
    const at = chance.pick(type.length + 1)
    if (at < type.length && chance.oneIn(3)) {
      type.delete(at, 1 + chance.pick(Math.min(type.length - at, 5)))
    } else if (ref === 0) {
      type.insert(at, [value(chance), value(chance)])
    } else if (at < type.length && chance.oneIn(3)) {
      type.format(at, 1 + chance.pick(type.length - at), formats(chance))
    } else {
      type.insert(at, words(chance), chance.oneIn(3) ? formats(chance) : undefined)
    }
  }

  compare (doc, same) {
    compareYjs14(this.doc, doc, same)
  }

  state () {
    return Y14.encodeStateAsUpdate(this.doc)
  }

  free () {}
}

class Yrs {
  constructor (client, gc) {
    this.doc = new ywasm.YDoc({ clientID: client, gc })
    this.updates = []
    this.doc.onUpdate(update => this.updates.push(update.slice()))
    this.text = this.doc.getText('t')
    this.map = this.doc.getMap('m')
    this.array = this.doc.getArray('a')
    this.doc.getXmlFragment('x')
  }

  apply (update, format) {
    [ywasm.applyUpdate, ywasm.applyUpdateV2][format](this.doc, update, 'a peer')
  }

  edit (chance) {
    chance.of([() => this.editText(chance), () => this.editMap(chance), () => this.editArray(chance)])()
  }

  editText (chance) {
    const { text } = this
    const length = text.length()
    const at = chance.pick(length + 1)
    if (at < length && chance.oneIn(3)) {
      text.delete(at, 1 + chance.pick(Math.min(length - at, 5)))
    } else if (at < length && chance.oneIn(3)) {
      text.format(at, 1 + chance.pick(length - at), formats(chance))
    } else {
      text.insert(at, words(chance), chance.oneIn(3) ? formats(chance) : undefined)
    }
  }

  editMap (chance) {
    const key = 'k' + chance.pick(5)
    chance.oneIn(4) ? this.map.delete(key) : this.map.set(key, value(chance))
  }

  editArray (chance) {
    const length = this.array.length()
    const at = chance.pick(length + 1)
    if (at < length && chance.oneIn(3)) {
      this.array.delete(at, 1 + chance.pick(Math.min(length - at, 5)))
    } else {
      this.array.insert(at, [value(chance), value(chance)])
    }
  }

  compare (doc, same) {
    compareYwasm(this.doc, doc, same)
  }

  state () {
    return ywasm.encodeStateAsUpdate(this.doc)
  }

  free () {
    this.doc.free()
  }
}

let peers = []

const emitted = (out, peer) => {
  const updates = peer.updates.splice(0)
  encoding.writeVarUint(out, updates.length)
  updates.forEach(update => encoding.writeVarUint8Array(out, update))
}

const commands = [
  // 0: begin anew
  () => {
    peers.forEach(peer => peer.free())
    peers = []
  },
  // 1: a peer of Yjs 14 (0) or yrs (1)
  request => {
    const engine = [Yjs14, Yrs][readVarUint(request)]
    const client = readVarUint(request)
    peers.push(new engine(client, readVarUint(request) === 1)) // eslint-disable-line new-cap
  },
  // 2: an edit; what it emitted
  (request, out) => {
    const peer = peers[readVarUint(request)]
    peer.edit(chanceOf(readVarUint(request)))
    emitted(out, peer)
  },
  // 3: apply an update; what was emitted
  (request, out) => {
    const peer = peers[readVarUint(request)]
    const format = readVarUint(request)
    peer.apply(readVarUint8Array(request), format)
    emitted(out, peer)
  },
  // 4: its state
  (request, out) => encoding.writeVarUint8Array(out, peers[readVarUint(request)].state()),
  // 5: what differs from a document with this state
  (request, out) => {
    const peer = peers[readVarUint(request)]
    const doc = new Y.Doc()
    Y.applyUpdate(doc, readVarUint8Array(request))
    doc.getText('t')
    doc.getMap('m')
    doc.getArray('a')
    doc.getXmlFragment('x')
    let difference = ''
    peer.compare(doc, (what, theirs, expected) => {
      if (difference === '' && Buffer.compare(theirs, expected) !== 0) {
        difference = `${what}: ${Buffer.from(theirs)}\n  Yjs 13: ${Buffer.from(expected)}`
      }
    })
    encoding.writeVarString(out, difference)
  }
]

serve(body => {
  const request = createDecoder(body)
  const out = encoding.createEncoder()
  const command = readVarUint(request)
  try {
    if (process.env.CONFORMANCE_TRACE) {
      console.error('peers', command, Buffer.from(body).toString('hex'))
    }
    commands[command](request, out)
    if (process.env.CONFORMANCE_TRACE) {
      peers.forEach(p => console.error('   ', p.constructor.name, Buffer.from(p.state()).toString('hex')))
    }
  } catch (error) {
    return encoding.encode(failed => {
      encoding.writeVarUint(failed, 1)
      encoding.writeVarString(failed, `command ${command} of another engine: ${error.stack || error}`)
    })
  }
  return Buffer.concat([Uint8Array.of(0), encoding.toUint8Array(out)])
})
