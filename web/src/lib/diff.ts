/** One replacement in a text: at `index`, `remove` UTF-16 units go and `insert` comes. */
export interface Splice {
  index: number;
  remove: number;
  insert: string;
}

const isLow = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff;
const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdbff;

/**
 * The smallest single replacement that makes `after` of `before`, never splitting a surrogate pair; null if equal.
 * `caret` (a position in `after`) settles which of two equal characters was typed.
 */
export function spliceBetween(before: string, after: string, caret = after.length): Splice | null {
  if (before === after) return null;
  const growth = after.length - before.length;
  const limit = Math.min(
    before.length,
    after.length,
    growth > 0 ? Math.max(0, caret - growth) : caret,
  );
  let start = 0;
  while (start < limit && before.charCodeAt(start) === after.charCodeAt(start)) start++;
  if (start > 0 && isHigh(before.charCodeAt(start - 1))) start--;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (
    end < most &&
    before.charCodeAt(before.length - 1 - end) === after.charCodeAt(after.length - 1 - end)
  )
    end++;
  if (end > 0 && isLow(before.charCodeAt(before.length - end))) end--;
  return {
    index: start,
    remove: before.length - end - start,
    insert: after.slice(start, after.length - end),
  };
}

/** Where a caret at `position` goes when a splice by somebody else was applied. */
export function moveCaret(position: number, splice: Splice): number {
  if (position <= splice.index) return position;
  if (position >= splice.index + splice.remove)
    return position - splice.remove + splice.insert.length;
  return splice.index + splice.insert.length;
}
