// The web app's end-to-end tests against two real nodes and Chromium.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VivimNode } from './vivim-node.mjs'

const web = join(dirname(fileURLToPath(import.meta.url)), '../../web')
const nodes = [new VivimNode('a'), new VivimNode('b')]
let code = 1
try {
  for (const node of nodes) await node.start()
  const [a, b] = nodes.map((node) => `${node.origin}/?token=${node.token}`)
  const tests = spawn(process.execPath, ['--test', '--test-concurrency=1', ...globSync('e2e/*.test.mjs', { cwd: web })], {
    cwd: web,
    env: { ...process.env, VIVIM_URL_A: a, VIVIM_URL_B: b },
    stdio: 'inherit',
  })
  code = await new Promise((resolve) => tests.once('exit', (exit) => resolve(exit ?? 1)))
  if (code !== 0) for (const node of nodes) console.log(`--- node ${node.name}\n${node.output}`)
} finally {
  for (const node of nodes) await node.dispose()
}
process.exit(code)
