import * as Y from 'yjs';
import type { Identity } from '../lib/identity';
import { randomId } from '../lib/ids';
import type { Splice } from '../lib/diff';

/** The origin of this browser's own transactions: what undo follows. */
export const localOrigin = { name: 'local' };

export type NewRole = 'user' | 'assistant' | 'note';

export interface NewTurn {
  parent: string | null;
  role: NewRole;
  text: string;
  author: Identity;
  now: number;
}

/** Adds a turn below `parent` and makes it the current leaf. Returns its id. */
export function addTurn(doc: Y.Doc, turn: NewTurn): string {
  const id = randomId();
  doc.transact(() => {
    const map = new Y.Map<unknown>();
    map.set('parent', turn.parent);
    map.set('role', turn.role === 'note' ? 'user' : turn.role);
    if (turn.role === 'note') map.set('channel', 'note');
    map.set('time', turn.now);
    map.set('name', turn.author.id);
    map.set('parts', [{ type: 'text' }]);
    map.set('text', new Y.Text(turn.text));
    doc.getMap('turns').set(id, map);
    introduce(doc, turn.author);
    const meta = doc.getMap('meta');
    meta.set('current', id);
    meta.set('updated', turn.now);
  }, localOrigin);
  return id;
}

/** Writes the author's name and colour where others find them, if they are not there yet. */
function introduce(doc: Y.Doc, author: Identity): void {
  const participants = doc.getMap('participants');
  const known = participants.get(author.id) as { name?: unknown; colour?: unknown } | undefined;
  if (known?.name === author.name && known.colour === author.colour) return;
  participants.set(author.id, { name: author.name, colour: author.colour });
}

/** Marks a turn as removed; it stays so that its children keep a parent. */
export function deleteTurn(doc: Y.Doc, id: string): void {
  const turn = doc.getMap('turns').get(id);
  if (turn instanceof Y.Map) doc.transact(() => turn.set('deleted', true), localOrigin);
}

export function setCurrent(doc: Y.Doc, id: string): void {
  const meta = doc.getMap('meta');
  if (meta.get('current') !== id) doc.transact(() => meta.set('current', id), localOrigin);
}

/** Applies one replacement to a shared text. */
export function applySplice(text: Y.Text, splice: Splice): void {
  text.doc?.transact(() => {
    if (splice.remove > 0) text.delete(splice.index, splice.remove);
    if (splice.insert !== '') text.insert(splice.index, splice.insert);
  }, localOrigin);
}
