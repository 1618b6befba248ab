// A small internet of network namespaces: a relay with a public address, and two homes behind NATs (nftables).
//
//   wan: a bridge with 45.77.0.0/24 (none of those that are for examples: implementations do not take these for public)
//     relay 45.77.0.1
//     nat-a 45.77.0.11 -- home-a 10.0.1.2
//     nat-b 45.77.0.12 -- home-b 10.0.2.2
//
// Needs the rights of root, `ip` and `nft`; whyNot() says what is missing.
import { execFileSync, spawnSync } from 'node:child_process'

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

export function whyNot () {
  for (const [program, words] of [['nft', ['--version']], ['ip', ['-V']]]) {
    if (spawnSync(program, words).status !== 0) {
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

// What a NAT takes from outside is what it, or somebody behind it, asked for: a SYN that comes too early is dropped,
// not answered, or the other side would give up.
function rules (kind, home) {
  const masquerade = kind === 'symmetric' ? 'masquerade fully-random' : 'masquerade'
  const open = kind === 'cone'
    ? ['tcp', 'udp'].map(protocol => `iifname "outer" ${protocol} dport ${PORT} dnat to ${home}:${PORT}`).join('\n')
    : ''
  const forward = kind === 'cone' ? 'ct status dnat accept' : ''
  return `table ip nat {
  chain before { type nat hook prerouting priority -100; ${open}
  }
  chain after { type nat hook postrouting priority 100; oifname "outer" ${masquerade}
  }
}
table ip filter {
  chain in { type filter hook input priority 0; policy drop; ct state established,related accept
  }
  chain through { type filter hook forward priority 0; policy drop
    ct state established,related accept
    iifname "inner" accept
    ${forward}
  }
}
`
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

// Runs `work` with words that run a program at each place: around.relay, around.a, around.b.
export async function withLab (kindA, kindB, work) {
  const places = ['wan', 'relay', 'nat-a', 'nat-b', 'home-a', 'home-b']
  try {
    addPlace('wan')
    ip('-n', name('wan'), 'link', 'add', 'bridge', 'type', 'bridge')
    ip('-n', name('wan'), 'link', 'set', 'bridge', 'up')
    addPlace('relay')
    connect('relay', 'eth0', `${AT.relay}/24`, 'wan', 'to-relay')
    ip('-n', name('wan'), 'link', 'set', 'to-relay', 'master', 'bridge')
    addHome('a', 1, kindA)
    addHome('b', 2, kindB)
    const around = place => ['ip', 'netns', 'exec', name(place)]
    return await work({ relay: around('relay'), a: around('home-a'), b: around('home-b') })
  } finally {
    for (const place of places) {
      spawnSync('ip', ['netns', 'del', name(place)])
    }
  }
}
