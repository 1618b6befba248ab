import { describe, expect, it } from 'vitest';
import type { TurnFields } from './model';
import {
  aliveChildren,
  buildTree,
  choicesTo,
  compareSiblings,
  isEmptyTurn,
  root,
  shownPath,
  shownRows,
} from './tree';

function turn(id: string, parent: string | null, more: Partial<TurnFields> = {}): TurnFields {
  return { id, parent, role: 'user', hidden: false, deleted: false, parts: [], ...more };
}

// root ─ a ─ b ─ c
//          ├ d ─ e
//          └ f (deleted)
const forked = [
  turn('a', null),
  turn('b', 'a', { index: 0 }),
  turn('c', 'b'),
  turn('d', 'a', { index: 1 }),
  turn('e', 'd'),
  turn('f', 'a', { index: 2, deleted: true }),
];
const all = { showHidden: false, isEmpty: () => false };

describe('order of siblings', () => {
  it('is by index, then time, then id; what is missing comes last', () => {
    const turns = [
      turn('z', null, { index: 1 }),
      turn('y', null, { time: 5 }),
      turn('x', null, { time: 3 }),
      turn('b', null),
      turn('B', null),
      turn('w', null, { index: 0, time: 9 }),
    ];
    expect(turns.sort(compareSiblings).map((item) => item.id)).toEqual([
      'w',
      'z',
      'x',
      'y',
      'B',
      'b',
    ]);
  });
});

describe('the shown path', () => {
  it('follows the current turn, and without it the last living child', () => {
    const tree = buildTree(forked);
    expect(shownPath(tree, 'c', new Map())).toEqual(['a', 'b', 'c']);
    expect(shownPath(tree, 'b', new Map())).toEqual(['a', 'b', 'c']);
    expect(shownPath(tree, undefined, new Map())).toEqual(['a', 'd', 'e']);
    expect(shownPath(tree, 'gone', new Map())).toEqual(['a', 'd', 'e']);
  });

  it('follows a choice before the current turn, and ignores a choice that is gone', () => {
    const tree = buildTree(forked);
    expect(shownPath(tree, 'c', new Map([['a', 'd']]))).toEqual(['a', 'd', 'e']);
    expect(shownPath(tree, 'c', new Map([['a', 'f']]))).toEqual(['a', 'b', 'c']);
    expect(shownPath(tree, 'c', choicesTo(tree, 'e'))).toEqual(['a', 'd', 'e']);
  });

  it('keeps a deleted turn with living children on the way', () => {
    const tree = buildTree([turn('a', null, { deleted: true }), turn('b', 'a')]);
    expect(shownPath(tree, undefined, new Map())).toEqual(['a', 'b']);
    expect(shownRows(tree, ['a', 'b'], all).rows.map((row) => row.turn.id)).toEqual(['b']);
  });

  it('takes a turn whose parent is missing as a root', () => {
    const tree = buildTree([turn('a', 'gone')]);
    expect(aliveChildren(tree, root)).toEqual(['a']);
  });

  it('ends on a cycle that a peer made', () => {
    const tree = buildTree([turn('a', 'b'), turn('b', 'a'), turn('c', null)]);
    expect(shownPath(tree, 'a', new Map())).toEqual(['c']);
    expect(shownPath(buildTree([turn('a', 'a')]), 'a', new Map())).toEqual([]);
  });
});

describe('rows', () => {
  it('show a fork where it parts, without the deleted branch', () => {
    const { rows } = shownRows(buildTree(forked), ['a', 'b', 'c'], all);
    expect(rows.map((row) => row.forks.length)).toEqual([0, 1, 0]);
    expect(rows[1]!.forks[0]).toEqual({ parent: 'a', options: ['b', 'd'], position: 0 });
  });

  it('carry the fork of a hidden turn to the next one that is shown', () => {
    const tree = buildTree([
      turn('a', null),
      turn('b', 'a', { hidden: true }),
      turn('c', 'a', { hidden: true }),
      turn('d', 'c'),
    ]);
    const { rows, hidden } = shownRows(tree, ['a', 'c', 'd'], all);
    expect(rows.map((row) => row.turn.id)).toEqual(['a', 'd']);
    expect(rows[1]!.forks).toEqual([{ parent: 'a', options: ['b', 'c'], position: 1 }]);
    expect(hidden).toBe(1);
    expect(shownRows(tree, ['a', 'c', 'd'], { ...all, showHidden: true }).rows).toHaveLength(3);
  });

  it('keep a fork below which nothing is shown', () => {
    const tree = buildTree([turn('a', null), turn('b', 'a'), turn('c', 'a', { hidden: true })]);
    expect(shownRows(tree, ['a', 'c'], all).rest).toHaveLength(1);
  });

  it('leave out nodes without a message, whatever is asked for', () => {
    const tree = buildTree([turn('a', null, { role: 'none' }), turn('b', 'a')]);
    expect(
      shownRows(tree, ['a', 'b'], { ...all, showHidden: true }).rows.map((row) => row.turn.id),
    ).toEqual(['b']);
  });
});

describe('an empty turn', () => {
  it('is an imported one that says nothing', () => {
    expect(isEmptyTurn(turn('a', null, { content: 'bafk' }), 0)).toBe(true);
    expect(
      isEmptyTurn(
        turn('a', null, { content: 'bafk', parts: [{ type: 'browsing', text: ' ', summary: '' }] }),
        0,
      ),
    ).toBe(true);
    expect(isEmptyTurn(turn('a', null, { content: 'bafk', parts: [{ type: 'image' }] }), 0)).toBe(
      false,
    );
    expect(isEmptyTurn(turn('a', null, { content: 'bafk' }), 3)).toBe(false);
    expect(isEmptyTurn(turn('a', null), 0)).toBe(false);
  });
});
