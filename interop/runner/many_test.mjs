// 10,000 connections that rest in one process, and 100,000 streams that rest on one connection: they are held, they
// take no more memory than they may, and the node that holds them still answers.
import assert from 'node:assert/strict'
import { flagsOf } from './combinations.mjs'
import { settled } from './memory.mjs'
import { withPeers } from './process.mjs'

const CONNECTIONS = 10_000
const STREAMS = 100_000
const CONNECTIONS_MIB_MAX = 400
const PATIENCE = 200_000
const flags = flagsOf({ transport: 'tcp', security: 'noise', muxer: 'yamux' })

async function twoPeers (work) {
  await withPeers([['vivim', flags], ['vivim', flags]], async (dialer, listener) => {
    const { addrs: [at] } = await listener.ask('listen', { addr: '/ip4/127.0.0.1/tcp/0' })
    await work(dialer, listener, at)
    await dialer.ask('dial', { addr: at })
    await dialer.ask('ping', { peer: listener.id })
  })
}

await twoPeers(async (dialer, listener, at) => {
  await dialer.ask('dial-many', { addr: at, count: CONNECTIONS }, PATIENCE)
  const { peers } = await listener.ask('peers', {}, PATIENCE)
  assert.equal(peers.length, CONNECTIONS)
  const mib = await settled(listener) / 1024
  console.log(`${CONNECTIONS} connections in one process: ${mib.toFixed(0)} MiB`)
  assert.ok(mib < CONNECTIONS_MIB_MAX, `${mib} MiB`)
})

await twoPeers(async (dialer, listener, at) => {
  await dialer.ask('dial', { addr: at })
  const before = [await settled(dialer), await settled(listener)]
  await dialer.ask('open-streams', { peer: listener.id, count: STREAMS }, PATIENCE)
  const grown = [await settled(dialer) - before[0], await settled(listener) - before[1]]
  const bytes = grown.map(kib => Math.round(kib * 1024 / STREAMS))
  console.log(`${STREAMS} streams on one connection: ${bytes[0]} bytes each where they were opened, ${bytes[1]} where they were accepted`)
})
