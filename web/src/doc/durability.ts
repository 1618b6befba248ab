import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';

/**
 * Learns what is safe on the node's disk, by docs/protocol/sync.md: each of our sync step 1 is answered by a step 2 and
 * then by the node's own step 1, which carries its durable state vector.
 */

export type StateVector = Map<number, number>;

export type Frame = { kind: 'step1'; vector: StateVector } | { kind: 'step2' } | { kind: 'other' };

const messageSync = 0;

export function readStateVector(bytes: Uint8Array): StateVector {
  const decoder = decoding.createDecoder(bytes);
  const vector: StateVector = new Map();
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    vector.set(decoding.readVarUint(decoder), decoding.readVarUint(decoder));
  }
  return vector;
}

/** What a y-websocket frame says about durability. Never throws: the provider deals with broken frames. */
export function readFrame(bytes: Uint8Array): Frame {
  try {
    const decoder = decoding.createDecoder(bytes);
    if (decoding.readVarUint(decoder) !== messageSync) return { kind: 'other' };
    const type = decoding.readVarUint(decoder);
    if (type === 0)
      return { kind: 'step1', vector: readStateVector(decoding.readVarUint8Array(decoder)) };
    return { kind: type === 1 ? 'step2' : 'other' };
  } catch {
    return { kind: 'other' };
  }
}

/** A frame with our sync step 1. */
export function step1Frame(stateVector: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, messageSync);
  encoding.writeVarUint(encoder, 0);
  encoding.writeVarUint8Array(encoder, stateVector);
  return encoding.toUint8Array(encoder);
}

export function covers(node: StateVector, local: StateVector): boolean {
  for (const [client, clock] of local) {
    if ((node.get(client) ?? 0) < clock) return false;
  }
  return true;
}

/**
 * Counts questions and answers of one connection. A deletion changes no state vector, so covering is not enough: the
 * answer must also be to a question that was sent after the last edit.
 */
export class DurabilityTracker {
  #sent = 0;
  #answered = 0;
  #needed = 1;
  #vector: StateVector | null = null;

  /** A new connection: the provider sends its own step 1 first. */
  connected(): void {
    this.#sent = 1;
    this.#answered = 0;
    this.#needed = 1;
    this.#vector = null;
  }

  /** A local edit: only an answer to a later question counts. */
  edited(): void {
    this.#needed = this.#sent + 1;
  }

  /** We sent a step 1. */
  asked(): void {
    this.#sent++;
  }

  received(frame: Frame): void {
    if (frame.kind === 'step2') this.#answered++;
    if (frame.kind === 'step1') this.#vector = frame.vector;
  }

  /** Everything up to `local` is on the node's disk. */
  isSaved(local: StateVector): boolean {
    return this.#vector !== null && this.#answered >= this.#needed && covers(this.#vector, local);
  }

  /** A question that would tell is still under way. */
  get isWaiting(): boolean {
    return this.#sent >= this.#needed && this.#answered < this.#sent;
  }
}
