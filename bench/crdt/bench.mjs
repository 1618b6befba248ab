// vivim/crdt beside npm's Yjs, ywasm and native yrs, in one run on this machine: processor time, the engines in turn
// within each round, medians of the rounds. Every result is compared with Yjs': where a text (or, of our engine, a byte)
// differs the row fails, and so does the run. Prints a table with the marks and writes build/bench/crdt.json.
//
//   scripts/with-node bench/crdt/bench.mjs [--quick] [--rounds 5] [--engines vivim,yjs,ywasm,yrs] [--only TEXT]
//                                          [--scaling] [--write]
//
// --scaling adds the cost of an edit by the size of the text. --write puts the table, and the plot, into docs.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs, promisify } from 'node:util'
import { prepare } from './data.mjs'
import { ROOT, foreign } from './files.mjs'
import { plot } from './plot.mjs'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    engines: { type: 'string', default: 'vivim,yjs,ywasm,yrs' },
    only: { type: 'string', default: '' },
    scaling: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false }
  }
})
const ROUNDS = Number(options.rounds ?? (options.quick ? 1 : 5))
const FOLDER = `${ROOT}/build/bench/crdt`
const DOCUMENT = `${ROOT}/docs/benchmarks-crdt.md`
const LONG_MS = 8000  // an engine that takes longer for one repetition is not asked again
const PATIENCE_MS = 300_000

// `reps`: warm-ups and repetitions in each process. `others`: what the other engines are asked instead. `marks`: how many
// times faster (or smaller) than whom, or `most`: no more than that.
const ROWS = [
  { id: 'b4-local', name: 'B4 (automerge-paper, 259,778 edits), op by op with update events', reps: [0, 1], data: 'b4', marks: { yjs: 100 } },
  { id: 'random-local', name: '30,000 insertions at random places, with update events', reps: [1, 3], data: 'random', marks: { yjs: 100 } },
  { id: 'b4-remote', name: 'apply the B4 stream of 259,778 remote updates', reps: [1, 1], data: 'b4', marks: { yjs: 30, yrs: 4 } },
  { id: 'b4-load', name: 'load B4 v1 to readable text', reps: [3, 15], data: 'b4', marks: { yjs: 25, yrs: 4 } },
  { id: 'b4-encode', name: 'encode B4 v1, cold', reps: [3, 15], data: 'b4', marks: { yrs: 3 } },
  { id: 'b4-encode-again', name: 'encode B4 v1, the third time and later', reps: [3, 15], data: 'b4', marks: { yrs: 10 } },
  { id: 'b4-encode-v2', name: 'encode B4 v2', reps: [3, 15], data: 'b4', state: 'v2', marks: { yrs: 2.5 } },
  { id: 'b4-merge', name: 'merge the 259,778 updates without a document', reps: [1, 1], data: 'b4', marks: { yjs: 20 } },
  { id: 'chats-open', name: 'open 200 small chats (ours stay bytes until they are read)', reps: [3, 15], data: 'chats', marks: { yjs: 500 } },
  { id: 'chats-read', others: 'chats-open', name: 'open 200 small chats, each as a tree at once', reps: [3, 15], data: 'chats', marks: {} },
  { id: 'b4-memory', name: 'memory of a loaded B4 document (MB)', reps: [0, 1], data: 'b4', unit: 'MB', most: 0.6 },
  { id: 'random-memory', name: 'bytes per struct of a fragmented document (30,000 structs)', reps: [0, 1], data: 'random', unit: 'B', most: 40 },
  { id: 'conflict', name: '3,000 clients insert at one place, remote', reps: [1, 3], data: 'conflict', marks: { yjs: 50, yrs: 10 } },
  { id: 'format', name: '2,000 formattings of a text, remote', reps: [1, 3], data: 'format', marks: { yjs: 8 } },
  { id: 'reverse', name: '2,000 updates that arrive in reverse', reps: [1, 3], data: 'reverse', marks: { yjs: 300, yrs: 15 } },
  { id: 'chat', name: 'a streamed chat of 101,500 token updates, remote', reps: [1, 1], data: 'chat', marks: { yjs: 20, yrs: 4 } }
]

const ENGINES = {
  vivim: { command: [`${ROOT}/build/bin/crdt_engine`], needs: `${ROOT}/build/bin/crdt_engine` },
  yjs: { command: [process.execPath, '--expose-gc', `${ROOT}/bench/crdt/worker.mjs`, 'yjs'], needs: `${ROOT}/interop/js/node_modules/yjs` },
  ywasm: { command: [process.execPath, '--expose-gc', `${ROOT}/bench/crdt/worker.mjs`, 'ywasm'], needs: `${ROOT}/interop/js/node_modules/ywasm` },
  yrs: { command: [`${ROOT}/build/interop/rust-yrs/release/vivim-bench-yrs`], needs: `${ROOT}/build/interop/rust-yrs/release/vivim-bench-yrs` }
}
const engines = options.engines.split(',')
const run = promisify(execFile)

function median (values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

async function ask (engine, words) {
  const [program, ...first] = ENGINES[engine].command
  const { stdout } = await run(program, [...first, ...words], { timeout: PATIENCE_MS, maxBuffer: 1 << 26 })
  return stdout.trim().split('\n').map(line => JSON.parse(line))
}

// Why what an engine said is not the result; undefined if it is.
function wrong (row, engine, said, expected) {
  const { data, state = 'state' } = row
  if (said.text !== expected[data].text) {
    return 'the text is not that of Yjs'
  }
  const bytes = state === 'state' ? expected[data].state : expected[data][state]
  if (engine === 'vivim' && bytes !== undefined && said.state !== bytes) {
    return 'the bytes are not those of Yjs'
  }
  return undefined
}

// ywasm slows down tenfold by what it did before in the same process: it is judged by its best.
function figure (row, engine, said, expected) {
  if (row.unit === 'MB') return said.bytes / 1e6
  if (row.unit === 'B') return said.bytes / expected[row.data].structs
  return engine === 'ywasm' ? Math.min(...said.ms) : median(said.ms)
}

async function measure (row, expected) {
  const cells = Object.fromEntries(engines.map(engine => [engine, { values: [] }]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const engine of engines) {
      const cell = cells[engine]
      if (cell.note !== undefined) continue
      if (!existsSync(ENGINES[engine].needs)) {
        cell.note = 'skipped'
      } else if (options.quick && engine === 'ywasm' && row.id === 'b4-local') {
        cell.note = 'skipped: takes 20 s'
      } else {
        const asked = engine === 'vivim' ? row.id : row.others ?? row.id
        const [said] = await ask(engine, [asked, FOLDER, ...row.reps.map(String)])
        if (said.absent !== undefined) {
          cell.note = said.absent
          continue
        }
        cell.failed = wrong(row, engine, said, expected)
        if (cell.failed !== undefined) {
          cell.note = cell.failed
          continue
        }
        cell.values.push(figure(row, engine, said, expected))
        if (row.unit === undefined && median(said.ms) > LONG_MS) cell.note = 'measured once'
      }
    }
  }
  return cells
}

const valueOf = cell => cell === undefined || cell.values.length === 0 ? undefined : median(cell.values)

function show (value) {
  if (value === undefined) return ''
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3)
}

function judge (row, cells) {
  const ours = valueOf(cells.vivim)
  if (ours === undefined) return []
  if (row.most !== undefined) {
    return [{ text: `at most ${row.most} ${row.unit}`, reached: ours <= row.most }]
  }
  return Object.entries(row.marks).flatMap(([peer, times]) => {
    const theirs = valueOf(cells[peer])
    if (theirs === undefined) return []
    return [{ text: `${show(theirs / ours)} x ${peer} (mark ${times})`, reached: theirs / ours >= times }]
  })
}

const versions = () => {
  const of = name => JSON.parse(readFileSync(`${ROOT}/interop/js/node_modules/${name}/package.json`)).version
  const yrs = /^yrs = "=([^"]+)"/m.exec(readFileSync(`${ROOT}/interop/rust-yrs/Cargo.toml`, 'utf8'))[1]
  return { yjs: of('yjs'), ywasm: of('ywasm'), yrs, node: process.version }
}

function tableOf (rows) {
  const lines = [
    `| | ${engines.join(' | ')} | marks |`,
    `|---|${engines.map(() => '---').join('|')}|---|`
  ]
  for (const { row, cells } of rows) {
    const marks = judge(row, cells).map(({ text, reached }) => `${text}: ${reached ? 'reached' : 'NOT reached'}`)
    const shown = engines.map(engine => {
      const cell = cells[engine]
      const note = cell.note === undefined ? '' : `${cell.values.length > 0 ? ' ' : ''}(${cell.note})`
      return `${show(valueOf(cell))}${note}`
    })
    lines.push(`| ${row.name}${row.unit === undefined ? ' (ms)' : ''} | ${shown.join(' | ')} | ${marks.join('; ')} |`)
  }
  return lines.join('\n')
}

async function scaling () {
  const most = options.quick ? 1_000_000 : 10_000_000
  const ours = await ask('vivim', ['scaling', String(most)])
  const theirs = existsSync(ENGINES.yjs.needs) ? await ask('yjs', ['scaling', String(Math.min(most, 320_000))]) : []
  return { vivim: ours, yjs: theirs }
}

// Replaces what stands between the two marks of `name` in the document.
function putInto (text, name, body) {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`]
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) {
    throw new Error(`${DOCUMENT} has no place for ${name}`)
  }
  return `${text.slice(0, from + begin.length)}\n${body}\n${text.slice(to)}`
}

const load = loadavg().map(value => value.toFixed(1)).join(', ')
foreign.resolve('yjs')  // says what is missing
const expected = prepare(FOLDER)
const rows = []
let failed = false
for (const row of ROWS) {
  if (!row.id.includes(options.only)) continue
  if (row.data === 'b4' && !expected.traced) {
    rows.push({ row, cells: Object.fromEntries(engines.map(engine => [engine, { values: [], note: 'skipped: no trace' }])) })
    continue
  }
  const cells = await measure(row, expected)
  rows.push({ row, cells })
  for (const [engine, cell] of Object.entries(cells)) {
    if (cell.failed !== undefined) {
      failed = true
      console.error(`FAILED: ${row.name}: ${engine}: ${cell.failed}`)
    }
  }
  console.error(`${row.id}: ${engines.map(engine => `${engine} ${show(valueOf(cells[engine])) || cells[engine].note}`).join(', ')}`)
}
const { yjs, ywasm, yrs, node } = versions()
const about = `Yjs ${yjs} and ywasm ${ywasm} on Node ${node}, yrs ${yrs}. ${ROUNDS} rounds, ${cpus().length} cores (${cpus()[0].model.trim()}); ` +
  `load average before the run ${load}.`
const table = tableOf(rows)
console.log(`${about}\n\n${table}`)
mkdirSync(`${ROOT}/build/bench`, { recursive: true })
const grown = options.scaling ? await scaling() : undefined
if (grown !== undefined) {
  for (const { characters, ns } of grown.vivim) {
    console.log(`${characters} characters: ${ns} ns an edit`)
  }
}
writeFileSync(`${ROOT}/build/bench/crdt.json`, JSON.stringify({
  about,
  rows: rows.map(({ row, cells }) => ({ id: row.id, name: row.name, cells, marks: judge(row, cells) })),
  scaling: grown
}, null, 2))
if (options.write) {
  let text = readFileSync(DOCUMENT, 'utf8')
  if (options.only === '') text = putInto(text, 'table', `${about}\n\n${table}`)
  writeFileSync(DOCUMENT, text)
  if (grown !== undefined) writeFileSync(`${ROOT}/docs/images/crdt-scaling.svg`, plot(grown))
}
process.exitCode = failed ? 1 : 0
