// What both workers write of a document of Yjs, whichever version: as interop/conformance/struct_list.cpp writes ours.
import * as encoding from 'lib0/encoding'

export const bytesOf = write => {
  const out = encoding.createEncoder()
  write(out)
  return encoding.toUint8Array(out)
}

/** The clients of a map, highest first, as all encodings have them. */
export const descending = map => Array.from(map.entries()).sort((a, b) => b[0] - a[0])

const writeId = (out, id) => {
  encoding.writeVarUint(out, id ? 1 : 0)
  if (id) {
    encoding.writeVarUint(out, id.client)
    encoding.writeVarUint(out, id.clock)
  }
}

/** Every struct with its neighbours; `kindOf` says what the wire calls it. */
export const structsOf = (clients, kindOf) => bytesOf(out => {
  descending(clients).forEach(([client, structs]) => {
    encoding.writeVarUint(out, client)
    encoding.writeVarUint(out, structs.length)
    structs.forEach(struct => {
      encoding.writeVarUint(out, struct.id.clock)
      encoding.writeVarUint(out, struct.length)
      encoding.writeVarUint(out, kindOf(struct))
      if ('origin' in struct) { // an item
        encoding.writeVarUint(out, struct.deleted ? 1 : 0)
        writeId(out, struct.left && struct.left.lastId)
        writeId(out, struct.right && struct.right.id)
        writeId(out, struct.origin)
        writeId(out, struct.rightOrigin)
        encoding.writeVarString(out, struct.parentSub === null ? '' : 'k' + struct.parentSub)
      }
    })
  })
})
