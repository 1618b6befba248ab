// A small internet of network namespaces: a relay with a public address, and two homes behind NATs (nftables).
//
//   wan: a bridge with 45.77.0.0/24 (none of those that are for examples: implementations do not take these for public)
//     relay 45.77.0.1
//     nat-a 45.77.0.11 -- home-a 10.0.1.2
//     nat-b 45.77.0.12 -- home-b 10.0.2.2
//
// Needs the rights of root, `ip` and `nft`; whyNot() says what is missing.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PREFIX = `vivim${process.pid}`
const PORT = 4001
const WAN = '45.77.0'

export const AT = { relay: `${WAN}.1`, a: '10.0.1.2', b: '10.0.2.2', natA: `${WAN}.11` }

// How a home's packets leave. `restricted`: as Linux does, the port is kept, and only who was sent to gets in.
// `symmetric`: another port for each connection. `cone`: one port lets everybody in.
export const KINDS = ['cone', 'restricted', 'symmetric']

const name = place => `${PREFIX}-${place}`
const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] })
const inside = (place, program, words, input) =>
  execFileSync('ip', ['netns', 'exec', name(place), program, ...words], { input, stdio: ['pipe', 'pipe', 'pipe'] })

const PROGRAMS = { nft: ['--version'], ip: ['-V'], miniupnpd: ['--help'] }

export function whyNot (programs = ['nft', 'ip']) {
  for (const program of programs) {
    if (spawnSync(program, PROGRAMS[program]).error !== undefined) {
      return `${program} is not installed`
    }
  }
  const made = spawnSync('ip', ['netns', 'add', name('try')])
  if (made.status !== 0) {
    return 'network namespaces need the rights of root'
  }
  ip('netns', 'del', name('try'))
  return undefined
}

const ROUTER_CHAINS = `table inet filter {
  chain forward { type filter hook forward priority 0; jump miniupnpd
  }
  chain miniupnpd {
  }
  chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd
  }
  chain prerouting_miniupnpd {
  }
  chain postrouting { type nat hook postrouting priority 100; jump postrouting_miniupnpd
  }
  chain postrouting_miniupnpd {
  }
}
`

// What a NAT takes from outside is what it, or somebody behind it, asked for: a SYN that comes too early is dropped,
// not answered, or the other side would give up.
// `router`: as `restricted`, and miniupnpd opens ports (its chains are in tables of the family inet).
function rules (kind, home) {
  const masquerade = kind === 'symmetric' ? 'masquerade fully-random' : 'masquerade'
  const open = kind === 'cone'
    ? ['tcp', 'udp'].map(protocol => `iifname "outer" ${protocol} dport ${PORT} dnat to ${home}:${PORT}`).join('\n')
    : ''
  const forward = ['cone', 'router'].includes(kind) ? 'ct status dnat accept' : ''
  const serve = kind === 'router' ? 'iifname "inner" accept' : ''
  return `table ip nat {
  chain before { type nat hook prerouting priority -100; ${open}
  }
  chain after { type nat hook postrouting priority 100; oifname "outer" ${masquerade}
  }
}
table ip filter {
  chain in { type filter hook input priority 0; policy drop; ct state established,related accept
    ${serve}
  }
  chain through { type filter hook forward priority 0; policy drop
    ct state established,related accept
    iifname "inner" accept
    ${forward}
  }
}
${kind === 'router' ? ROUTER_CHAINS : ''}`
}

function addPlace (place) {
  ip('netns', 'add', name(place))
  ip('-n', name(place), 'link', 'set', 'lo', 'up')
}

// A wire from the interface `at` of a place to `to` of another.
function connect (place, at, address, other, to) {
  ip('-n', name(place), 'link', 'add', at, 'type', 'veth', 'peer', 'name', to, 'netns', name(other))
  ip('-n', name(place), 'addr', 'add', address, 'dev', at)
  ip('-n', name(place), 'link', 'set', at, 'up')
  ip('-n', name(other), 'link', 'set', to, 'up')
}

function addHome (letter, number, kind) {
  const home = `10.0.${number}.2`
  const gateway = `10.0.${number}.1`
  addPlace(`nat-${letter}`)
  addPlace(`home-${letter}`)
  connect(`nat-${letter}`, 'outer', `${WAN}.1${number}/24`, 'wan', `to-${letter}`)
  connect(`home-${letter}`, 'eth0', `${home}/24`, `nat-${letter}`, 'inner')
  ip('-n', name(`nat-${letter}`), 'addr', 'add', `${gateway}/24`, 'dev', 'inner')
  ip('-n', name(`home-${letter}`), 'route', 'add', 'default', 'via', gateway)
  ip('-n', name('wan'), 'link', 'set', `to-${letter}`, 'master', 'bridge')
  inside(`nat-${letter}`, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1'])
  inside(`nat-${letter}`, 'nft', ['-f', '-'], rules(kind, home))
}

const around = place => ['ip', 'netns', 'exec', name(place)]

function addWan () {
  addPlace('wan')
  ip('-n', name('wan'), 'link', 'add', 'bridge', 'type', 'bridge')
  ip('-n', name('wan'), 'link', 'set', 'bridge', 'up')
  addPlace('relay')
  connect('relay', 'eth0', `${AT.relay}/24`, 'wan', 'to-relay')
  ip('-n', name('wan'), 'link', 'set', 'to-relay', 'master', 'bridge')
}

function removePlaces () {
  for (const place of ['wan', 'relay', 'nat-a', 'nat-b', 'home-a', 'home-b']) {
    spawnSync('ip', ['netns', 'del', name(place)])
  }
}

// Runs `work` with words that run a program at each place: around.relay, around.a, around.b.
export async function withLab (kindA, kindB, work) {
  try {
    addWan()
    addHome('a', 1, kindA)
    addHome('b', 2, kindB)
    return await work({ relay: around('relay'), a: around('home-a'), b: around('home-b') })
  } finally {
    removePlaces()
  }
}

const routerSettings = (folder, protocol) => `ext_ifname=outer
listening_ip=inner
enable_upnp=${protocol === 'upnp' ? 'yes' : 'no'}
enable_natpmp=${protocol === 'nat-pmp' ? 'yes' : 'no'}
secure_mode=yes
system_uptime=no
min_lifetime=1
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
lease_file=${folder}/leases
uuid=8d6c6f2e-6f0a-4f0e-9a0a-76a1c3b0a001
allow 1024-65535 10.0.1.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
`

// One home whose router is miniupnpd, speaking `protocol` (nat-pmp or upnp), and somebody outside: `work` gets the words
// that run a program at around.home and around.outside, and what the router has mapped now: its leases, its rules.
export async function withRouter (protocol, work) {
  const folder = mkdtempSync(join(tmpdir(), 'vivim-router-'))
  let router
  try {
    addWan()
    addHome('a', 1, 'router')
    writeFileSync(join(folder, 'settings'), routerSettings(folder, protocol))
    writeFileSync(join(folder, 'leases'), '')
    const [program, ...words] = [...around('nat-a'), 'miniupnpd', '-d', '-f', join(folder, 'settings'), '-P', join(folder, 'pid')]
    router = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    const said = []
    for (const stream of [router.stdout, router.stderr]) {
      stream.on('data', text => said.push(text.toString()))
    }
    return await work({
      home: around('home-a'),
      outside: around('relay'),
      leases: () => readFileSync(join(folder, 'leases'), 'utf8').trim().split('\n').filter(Boolean),
      rules: () => inside('nat-a', 'nft', ['list', 'chain', 'inet', 'filter', 'prerouting_miniupnpd']).toString(),
      said: () => said.join('')
    })
  } finally {
    if (router !== undefined) {
      const ended = new Promise(resolve => router.once('close', resolve))
      router.kill()
      await ended
    }
    removePlaces()
    rmSync(folder, { recursive: true })
  }
}
