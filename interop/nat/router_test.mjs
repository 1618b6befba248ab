// Ports mapped at a real router (Debian's miniupnpd, in a network namespace), by NAT-PMP and by UPnP: mapped, reached from
// outside, renewed before the lease ends, and taken back when the node stops. Then the same by the program as a whole.
//
//   scripts/with-node interop/nat/router_test.mjs
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ROOT, Peer } from '../runner/process.mjs'
import { AT, whyNot, withRouter } from './lab.mjs'

const PORT = 4001
const LEASE_SECONDS = 8
const PATIENCE_MS = 30_000
const BYTES = 100_000
const PROGRAM = process.env.VIVIM ?? `${ROOT}/build/bin/vivim`
const LISTEN = { tcp: `/tcp/${PORT}`, 'quic-v1': `/udp/${PORT}/quic-v1` }

const missing = whyNot(['nft', 'ip', 'miniupnpd'])
if (missing !== undefined) {
  console.log(`skipped: ${missing}`)
  process.exit(0)
}

async function until (what, check) {
  for (const end = Date.now() + PATIENCE_MS; ;) {
    const found = await check()
    if (found) {
      return found
    }
    assert.ok(Date.now() < end, `not in time: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

const isMapped = router => router.rules().includes(`dport ${PORT}`)

// Somebody outside connects through the router, and bytes go both ways.
async function reach (outsider, transport, peer) {
  await outsider.ask('dial', { addr: `/ip4/${AT.natA}${LISTEN[transport]}/p2p/${peer}` })
  await outsider.ask('ping', { peer })
}

async function mapByPeer (protocol, transport) {
  await withRouter(protocol, async router => {
    const flags = ['--transport', transport]
    const [home, outsider] = await Promise.all([Peer.start('vivim', flags, router.home), Peer.start('vivim', flags, router.outside)])
    try {
      await home.ask('listen', { addr: `/ip4/${AT.a}${LISTEN[transport]}` })
      await assert.rejects(outsider.ask('dial', { addr: `/ip4/${AT.natA}${LISTEN[transport]}/p2p/${home.id}` }), 'open before it was mapped')
      const begin = Date.now()
      const told = await home.ask('map-port', { by: protocol, port: PORT, seconds: LEASE_SECONDS })
      assert.equal(told.external, `${AT.natA}:${PORT}`)
      assert.ok(isMapped(router), router.rules())
      await reach(outsider, transport, home.id)
      await outsider.ask('bulk', { peer: home.id, streams: 1, bytes: BYTES })
      const first = router.leases().join()
      await until('the lease is renewed', () => router.leases().join() !== first && router.leases().length === 1)
      await until('the first lease is over', () => Date.now() > begin + LEASE_SECONDS * 1500)
      assert.ok(isMapped(router), 'the mapping was lost when the first lease ended')
      await outsider.ask('disconnect', { peer: home.id })
      await reach(outsider, transport, home.id)
      await home.stop()
      assert.ok(!isMapped(router), 'the mapping is left behind')
      assert.deepEqual(router.leases(), [])
    } catch (error) {
      console.error(`the router said:\n${router.said().slice(-2000)}\nleases: ${router.leases()}`)
      throw error
    } finally {
      await Promise.all([home.stop(), outsider.stop()])
    }
  })
  console.log(`${protocol}, ${transport}: mapped, reached from outside, renewed, taken back`)
}

// A node as people run it: it finds the router by itself.
async function mapByProgram (protocol) {
  const home = mkdtempSync(join(tmpdir(), 'vivim-mapped-'))
  const env = { ...process.env, VIVIM_HOME: home, NO_COLOR: '1' }
  await withRouter(protocol, async router => {
    const [ip, ...words] = [...router.home, PROGRAM]
    const node = spawn(ip, [...words, 'run', '--http', '127.0.0.1:8470', '--listen', `/ip4/${AT.a}/tcp/${PORT}`], { env, stdio: 'ignore' })
    const ended = new Promise(resolve => node.once('close', resolve))
    const outsider = await Peer.start('vivim', [], router.outside)
    try {
      const ask = (...about) => spawnSync(ip, [...words, ...about], { env, encoding: 'utf8' }).stdout
      await until('the router maps', () => ask('swarm', 'reachability').includes(`${AT.natA}/tcp/${PORT}`))
      const peer = /12D3KooW\w+/.exec(ask('status'))[0]
      await reach(outsider, 'tcp', peer)
      node.kill('SIGTERM')
      await ended
      assert.ok(!isMapped(router), 'the mapping is left behind')
    } finally {
      node.kill('SIGKILL')
      await Promise.all([ended, outsider.stop()])
    }
  })
  rmSync(home, { recursive: true })
  console.log(`vivim run, ${protocol}: mapped, reached from outside, taken back`)
}

for (const protocol of ['nat-pmp', 'upnp']) {
  await mapByPeer(protocol, 'tcp')
  await mapByPeer(protocol, 'quic-v1')
  await mapByProgram(protocol)
}
