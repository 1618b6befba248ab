import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { covers, DurabilityTracker, readFrame, readStateVector, step1Frame } from './durability';

const vectorOf = (doc: Y.Doc) => readStateVector(Y.encodeStateVector(doc));

function docWith(text: string, client = 1): Y.Doc {
  const doc = new Y.Doc();
  doc.clientID = client;
  doc.getText('t').insert(0, text);
  return doc;
}

describe('frames', () => {
  it('are read as Yjs writes them', () => {
    const doc = docWith('abc', 77);
    expect(readFrame(step1Frame(Y.encodeStateVector(doc)))).toEqual({
      kind: 'step1',
      vector: new Map([[77, 3]]),
    });
    expect(readFrame(Uint8Array.of(0, 1, 0))).toEqual({ kind: 'step2' });
    expect(readFrame(Uint8Array.of(0, 2, 0))).toEqual({ kind: 'other' });
    expect(readFrame(Uint8Array.of(1, 0))).toEqual({ kind: 'other' });
    expect(readFrame(new Uint8Array())).toEqual({ kind: 'other' });
    expect(readFrame(Uint8Array.of(0, 0, 200))).toEqual({ kind: 'other' });
  });
});

describe('covers', () => {
  it('asks for every client', () => {
    expect(covers(new Map(), new Map())).toBe(true);
    expect(covers(new Map([[1, 5]]), new Map([[1, 5]]))).toBe(true);
    expect(covers(new Map([[1, 4]]), new Map([[1, 5]]))).toBe(false);
    expect(covers(new Map([[2, 9]]), new Map([[1, 1]]))).toBe(false);
  });
});

describe('the tracker', () => {
  const step2 = { kind: 'step2' } as const;

  it('believes the node only when it answered after the last edit', () => {
    const doc = docWith('abc');
    const tracker = new DurabilityTracker();
    tracker.connected();
    expect(tracker.isSaved(vectorOf(doc))).toBe(false);
    tracker.received(step2);
    tracker.received({ kind: 'step1', vector: new Map() });
    expect(tracker.isSaved(vectorOf(doc))).toBe(false);
    tracker.asked();
    tracker.received(step2);
    tracker.received({ kind: 'step1', vector: new Map([[1, 3]]) });
    expect(tracker.isSaved(vectorOf(doc))).toBe(true);
  });

  it('does not take an old answer for a deletion, which changes no state vector', () => {
    const doc = docWith('abc');
    const tracker = new DurabilityTracker();
    tracker.connected();
    tracker.received(step2);
    tracker.received({ kind: 'step1', vector: vectorOf(doc) });
    expect(tracker.isSaved(vectorOf(doc))).toBe(true);
    doc.getText('t').delete(0, 1);
    tracker.edited();
    expect(tracker.isSaved(vectorOf(doc))).toBe(false);
    tracker.asked();
    expect(tracker.isWaiting).toBe(true);
    tracker.received(step2);
    tracker.received({ kind: 'step1', vector: vectorOf(doc) });
    expect(tracker.isSaved(vectorOf(doc))).toBe(true);
    expect(tracker.isWaiting).toBe(false);
  });

  it('forgets everything when the connection breaks', () => {
    const doc = docWith('abc');
    const tracker = new DurabilityTracker();
    tracker.connected();
    tracker.received(step2);
    tracker.received({ kind: 'step1', vector: vectorOf(doc) });
    tracker.connected();
    expect(tracker.isSaved(vectorOf(doc))).toBe(false);
  });
});
