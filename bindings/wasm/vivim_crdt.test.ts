// The wrapper against npm's Yjs: the same edits make the same bytes, and each reads the other's.
// vivim_crdt.test.mjs FILE.wasm [--bench]
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

import * as Y from 'yjs';

import { CrdtError, Engine } from './vivim_crdt';

const engine = await Engine.load(await readFile(process.argv[2]));

function yjsDoc(client: number): Y.Doc {
  const doc = new Y.Doc();
  doc.clientID = client;
  return doc;
}

/** A small generator, so that a failure can be run again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return state / 0x80000000;
  };
}

test('the same edits make the same updates as in Yjs', () => {
  const next = random(7);
  const ours = engine.doc(4294967299);
  const theirs = yjsDoc(4294967299);
  const made: Uint8Array[] = [];
  theirs.on('update', (update: Uint8Array) => made.push(update));
  for (let step = 0; step < 2000; ++step) {
    const text = theirs.getText('text');
    const at = Math.floor(next() * (text.length + 1));
    if (next() < 0.2) {
      theirs.getMap('map').set(`k${step % 5}`, `value ${step}`);
      ours.setInMap('map', `k${step % 5}`, `value ${step}`);
    } else if (next() < 0.3 && at < text.length) {
      const length = Math.min(3, text.length - at);
      text.delete(at, length);
      ours.removeText('text', at, length);
    } else {
      const words = ['x', 'héllo ', '😀', 'word '][Math.floor(next() * 4)];
      text.insert(at, words);
      ours.insertText('text', at, words);
    }
  }
  assert.deepEqual(ours.takeUpdates(), made);
  assert.deepEqual(ours.encodeStateAsUpdate(), Y.encodeStateAsUpdate(theirs));
  assert.deepEqual(ours.encodeStateAsUpdate(undefined, 2), Y.encodeStateAsUpdateV2(theirs));
  assert.deepEqual(ours.encodeStateVector(), Y.encodeStateVector(theirs));
  assert.deepEqual(engine.merge(made), Y.mergeUpdates(made));
  assert.equal(ours.text('text'), theirs.getText('text').toString());
  assert.equal(ours.textLength('text'), theirs.getText('text').length);
  ours.free();
});

test('each reads what the other wrote', () => {
  const theirs = yjsDoc(1);
  theirs.getText('text').insert(0, 'from Yjs');
  theirs.getMap('map').set('nested', new Y.Map([['k', 1.5]]));
  theirs.getArray('array').insert(0, [1, 'two', null]);
  const ours = engine.doc(2);
  ours.applyUpdate(Y.encodeStateAsUpdate(theirs));
  ours.applyUpdate(Y.encodeStateAsUpdateV2(theirs), 2);
  assert.equal(ours.text('text'), 'from Yjs');
  assert.deepEqual(ours.map('map'), { nested: { k: 1.5 } });
  assert.deepEqual(ours.array('array'), [1, 'two', null]);
  ours.insertText('text', 8, ' and back');
  Y.applyUpdate(theirs, ours.encodeStateAsUpdate(Y.encodeStateVector(theirs)));
  assert.equal(theirs.getText('text').toString(), 'from Yjs and back');
  ours.free();
});

test('what is no update is refused, and the engine goes on', () => {
  const doc = engine.doc(1);
  assert.throws(() => doc.applyUpdate(new Uint8Array([1, 2, 3])), CrdtError);
  assert.throws(() => doc.encodeStateAsUpdate(new Uint8Array([1])), CrdtError);
  assert.throws(() => engine.merge([new Uint8Array([1])]), CrdtError);
  doc.insertText('text', 0, 'here');
  assert.equal(doc.text('text'), 'here');
  doc.free();
});

/** Processor time of `body`, in ms: the median of five. */
function measure(body: () => void): number {
  const times = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    body();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return times.sort((a, b) => a - b)[2];
}

if (process.argv.includes('--bench')) {
  test('beside Yjs', () => {
    const steps = 10_000;
    const edits = (insert: (at: number) => void): void => {
      const next = random(3);
      for (let i = 0; i < steps; ++i) insert(Math.floor(next() * (i + 1)));
    };
    const source = yjsDoc(1);
    const updates: Uint8Array[] = [];
    source.on('update', (update: Uint8Array) => updates.push(update));
    edits((at) => source.getText('text').insert(at, 'x'));
    const whole = Y.encodeStateAsUpdate(source);
    const rows: [string, () => void, () => void][] = [
      [`${steps} random insertions`,
        () => { const doc = yjsDoc(1); edits((at) => doc.getText('text').insert(at, 'x')); },
        () => { const doc = engine.doc(1); edits((at) => doc.insertText('text', at, 'x')); doc.free(); }],
      [`${steps} remote updates`,
        () => { const doc = yjsDoc(2); updates.forEach((u) => Y.applyUpdate(doc, u)); },
        () => { const doc = engine.doc(2); updates.forEach((u) => doc.applyUpdate(u)); doc.free(); }],
      ['load them as one',
        () => { const doc = yjsDoc(2); Y.applyUpdate(doc, whole); doc.getText('text').toString(); },
        () => { const doc = engine.doc(2); doc.applyUpdate(whole); doc.text('text'); doc.free(); }],
      [`merge ${steps} updates`, () => { Y.mergeUpdates(updates); }, () => { engine.merge(updates); }],
    ];
    for (const [name, yjs, wasm] of rows) {
      console.log(JSON.stringify({ name, unit: 'ms CPU', yjs: measure(yjs), wasm: measure(wasm) }));
    }
  });
}
