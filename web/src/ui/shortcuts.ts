import { signal } from '@preact/signals';
import { turnElement, type Reader } from '../doc/reader';
import { go } from '../lib/router';
import { storage } from '../lib/storage';
import { copyText } from './clipboard';
import { openDialog } from './dialog';
import { createConversation } from './Sidebar';
import { toast } from './toasts';
import { removeTurn, startEditing } from './TurnRow';

/** The conversation that the keyboard is about. */
export const activeReader = signal<Reader | null>(null);

/** Single keys can be switched off (WCAG 2.1.4): they get in the way of speech input. */
export const singleKeys = signal(storage.get('keys') !== 'off');

export function setSingleKeys(on: boolean): void {
  singleKeys.value = on;
  storage.set('keys', on ? 'on' : 'off');
}

export const shortcutHelp: readonly {
  group: string;
  keys: readonly (readonly [string, string])[];
}[] = [
  {
    group: 'Everywhere',
    keys: [
      ['/', 'Search'],
      ['n', 'New conversation'],
      ['g', 'To the list'],
      ['?', 'This help'],
    ],
  },
  {
    group: 'While writing',
    keys: [
      ['Esc', 'Done, back to the turn'],
      ['Ctrl Enter', 'Add the turn, or done'],
    ],
  },
  {
    group: 'In a conversation',
    keys: [
      ['j  k', 'Next, previous turn'],
      ['[  ]', 'Previous, next branch of the turn'],
      ['e', 'Edit the turn'],
      ['r', 'Write a turn at the end'],
      ['b', 'Reply to the turn as a new branch'],
      ['c', 'Copy the turn'],
      ['Delete', 'Remove the turn'],
      ['h', 'Show or hide hidden turns'],
      ['t', 'Edit the title'],
      ['s', 'Share'],
      ['Ctrl Z', 'Undo, and Ctrl Shift Z redo'],
    ],
  },
];

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

type Action = (reader: Reader) => void;

const actions: Record<string, Action> = {
  j: (reader) => focusTurn(reader.move(1)),
  k: (reader) => focusTurn(reader.move(-1)),
  '[': (reader) => turnBranch(reader, -1),
  ']': (reader) => turnBranch(reader, 1),
  e: (reader) => withActive(reader, (id) => startEditing(reader, id)),
  b: (reader) => withActive(reader, (id) => (reader.replyTo.value = id)),
  c: (reader) =>
    withActive(reader, (id) => {
      const text = reader.session.view.turns.get(id)?.text.peek() ?? '';
      void copyText(text).then((ok) => toast(ok ? 'Copied' : 'The browser did not allow it'));
    }),
  Delete: (reader) => withActive(reader, (id) => removeTurn(reader, id)),
  h: (reader) => (reader.showHidden.value = !reader.showHidden.peek()),
  r: () => document.getElementById('composer')?.focus(),
  t: () => document.querySelector<HTMLElement>('.title-field')?.focus(),
  s: (reader) =>
    (openDialog.value = {
      kind: 'share',
      id: reader.session.id,
      title: reader.session.view.title.peek(),
    }),
};

function withActive(reader: Reader, run: (id: string) => void): void {
  const id = reader.active.peek() ?? reader.move(-1);
  if (id !== null) run(id);
}

function focusTurn(id: string | null): void {
  if (id === null) return;
  requestAnimationFrame(() => turnElement(id)?.focus());
}

/** Turns the branch at the active turn, or at the nearest fork above it. */
function turnBranch(reader: Reader, step: number): void {
  const { rows } = reader.shown.peek();
  const active = rows.findIndex((row) => row.turn.id === reader.active.peek());
  for (let at = active < 0 ? rows.length - 1 : active; at >= 0; at--) {
    const fork = rows[at]!.forks.at(-1);
    if (!fork) continue;
    const chosen = reader.turnFork(fork, step);
    // The chosen turn itself may be one that is not shown: then the first below it has the keyboard.
    const after = reader.shown.peek().rows;
    const shown =
      after.find((row) => row.turn.id === chosen) ??
      after.find((row) => row.forks.some((other) => other.parent === fork.parent));
    if (shown) {
      reader.active.value = shown.turn.id;
      focusTurn(shown.turn.id);
    }
    return;
  }
}

function onGlobalKey(key: string): boolean {
  if (key === '?') openDialog.value = { kind: 'help' };
  else if (key === '/') document.getElementById('search')?.focus();
  else if (key === 'n') void createConversation();
  else if (key === 'g') go({ page: 'list' });
  else return false;
  return true;
}

function onUndoKey(event: KeyboardEvent): boolean {
  const reader = activeReader.peek();
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || event.altKey || !reader || (key !== 'z' && key !== 'y'))
    return false;
  if (isTyping(event.target) && !(event.target as Element).matches('.title-field')) return false;
  if (key === 'y' || event.shiftKey) reader.session.undo.redo();
  else reader.session.undo.undo();
  return true;
}

export function startShortcuts(): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || openDialog.peek() !== null) return;
    if (onUndoKey(event)) {
      event.preventDefault();
      return;
    }
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      isTyping(event.target) ||
      !singleKeys.peek()
    )
      return;
    const reader = activeReader.peek();
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined;
    if (onGlobalKey(event.key)) event.preventDefault();
    else if (action && reader) {
      event.preventDefault();
      action(reader);
    }
  });
}
