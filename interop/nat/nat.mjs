// Two peers behind NATs of each kind meet through our relay, and then without it (DCUtR). Prints a line for each pair.
//
//   scripts/with-node interop/nat/nat.mjs [--transport tcp|quic-v1] [--peers vivim,vivim] [--kinds cone,restricted]
import { parseArgs } from 'node:util'

import { KINDS, whyNot } from './lab.mjs'
import { punchBetween } from './scenarios.mjs'

const { values } = parseArgs({
  options: {
    transport: { type: 'string', default: 'tcp' },
    peers: { type: 'string', default: 'vivim,vivim' },
    kinds: { type: 'string', default: KINDS.join(',') }
  }
})
const [dialer, listener] = values.peers.split(',')
const kinds = values.kinds.split(',')

const missing = whyNot()
if (missing !== undefined) {
  console.log(`skipped: ${missing}`)
  process.exit(0)
}
let wrong = 0
for (const a of kinds) {
  for (const b of kinds) {
    const begin = Date.now()
    const { ok, detail } = await punchBetween(values.transport, a, b, dialer, listener).catch(error => ({ ok: false, detail: error.message }))
    wrong += ok ? 0 : 1
    console.log(`${values.transport}  ${a} - ${b}: ${ok ? 'ok' : 'FAILED'}, ${detail} (${((Date.now() - begin) / 1000).toFixed(1)} s)`)
  }
}
process.exit(wrong === 0 ? 0 : 1)
