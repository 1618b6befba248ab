import { describe, expect, it } from 'vitest';
import { moveCaret, spliceBetween } from './diff';

const apply = (text: string, splice: ReturnType<typeof spliceBetween>) =>
  splice === null
    ? text
    : text.slice(0, splice.index) + splice.insert + text.slice(splice.index + splice.remove);

describe('spliceBetween', () => {
  it('finds one replacement', () => {
    expect(spliceBetween('abc', 'abc')).toBeNull();
    expect(spliceBetween('abc', 'abXc')).toEqual({ index: 2, remove: 0, insert: 'X' });
    expect(spliceBetween('abc', 'ac')).toEqual({ index: 1, remove: 1, insert: '' });
    expect(spliceBetween('', 'new')).toEqual({ index: 0, remove: 0, insert: 'new' });
  });

  it('puts a repeated character where the caret is', () => {
    expect(spliceBetween('aaa', 'aaaa', 1)).toEqual({ index: 0, remove: 0, insert: 'a' });
    expect(spliceBetween('aaa', 'aaaa', 4)).toEqual({ index: 3, remove: 0, insert: 'a' });
    expect(spliceBetween('aaa', 'aa', 1)).toEqual({ index: 1, remove: 1, insert: '' });
  });

  it('never splits a surrogate pair', () => {
    // Both begin with the same high surrogate.
    expect(spliceBetween('😀', '😁')).toEqual({ index: 0, remove: 2, insert: '😁' });
    // Both end with the same low surrogate.
    expect(spliceBetween('\u{1f600}', '\u{1f200}')?.remove).toBe(2);
    expect(spliceBetween('a😀b', 'a😀xb')).toEqual({ index: 3, remove: 0, insert: 'x' });
  });

  it('always makes the second of the first', () => {
    const letters = ['a', 'b', '😀', '😁', '🈀'];
    let seed = 1;
    const next = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
    const word = () =>
      Array.from({ length: next(6) }, () => letters[next(letters.length)]).join('');
    for (let round = 0; round < 5000; round++) {
      const [before, after] = [word(), word()];
      const caret = next(after.length + 1);
      const splice = spliceBetween(before, after, caret);
      expect(apply(before, splice)).toBe(after);
      expect(splice?.insert.isWellFormed() ?? true).toBe(true);
    }
  });
});

describe('moveCaret', () => {
  it('keeps its place in the words around it', () => {
    expect(moveCaret(2, { index: 3, remove: 1, insert: 'xx' })).toBe(2);
    expect(moveCaret(5, { index: 3, remove: 1, insert: 'xx' })).toBe(6);
    expect(moveCaret(4, { index: 3, remove: 3, insert: 'x' })).toBe(4);
  });
});
