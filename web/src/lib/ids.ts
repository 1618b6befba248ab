const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** Lower-case base32 without padding (RFC 4648 alphabet). */
export function base32(bytes: Uint8Array): string {
  let out = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += alphabet[(value >>> bits) & 31];
      value &= (1 << bits) - 1;
    }
  }
  return bits > 0 ? out + alphabet[(value << (5 - bits)) & 31] : out;
}

/** A new random id in the shape of a document id: 16 bytes as 26 characters. */
export function randomId(): string {
  return base32(crypto.getRandomValues(new Uint8Array(16)));
}

/** The ticket (`vivim1...`) inside what a person pasted: a ticket, a `vivim://` URL or a link; undefined if there is none. */
export function findTicket(pasted: string): string | undefined {
  return /vivim1[a-z2-7]{20,}/.exec(pasted.toLowerCase())?.[0];
}
