// What peers share beforehand, made anew for each run: a certificate for 127.0.0.1 and localhost with its authority, the
// key of a private network, and an RSA key for the library that makes none.
//
//   FOLDER/ca.pem ca.der chain.pem chain.der key.pem key.der   secure WebSocket
//   FOLDER/swarm.key other.key                                 private networks
//   FOLDER/rsa.der                                             PKCS#8
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n'
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
let folder

function openssl (...words) {
  execFileSync('openssl', words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
}

function makeCertificates () {
  openssl('req', '-x509', ...EC, '-keyout', 'ca-key.pem', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=VIVIM interop authority')
  openssl('req', ...EC, '-keyout', 'key.pem', '-out', 'request.pem', '-subj', '/CN=localhost')
  writeFileSync(join(folder, 'names.cnf'), NAMES)
  openssl('x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-days', '2',
    '-extfile', 'names.cnf', '-out', 'chain.pem')
  for (const name of ['ca', 'chain']) {
    openssl('x509', '-in', `${name}.pem`, '-outform', 'DER', '-out', `${name}.der`)
  }
  openssl('pkcs8', '-topk8', '-nocrypt', '-in', 'key.pem', '-outform', 'DER', '-out', 'key.der')
}

// The folder, made when it is first wanted.
export function secrets () {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'vivim-interop-'))
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
    makeCertificates()
    for (const name of ['swarm', 'other']) {
      writeFileSync(join(folder, `${name}.key`), `/key/swarm/psk/1.0.0/\n/base16/\n${randomBytes(32).toString('hex')}\n`)
    }
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    writeFileSync(join(folder, 'rsa.der'), rsa.privateKey.export({ type: 'pkcs8', format: 'der' }))
  }
  return folder
}
