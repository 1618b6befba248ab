import { computed, signal, type ReadonlySignal } from '@preact/signals';
import type { Session } from './session';
import {
  ancestors,
  choicesTo,
  isEmptyTurn,
  root,
  shownPath,
  shownRows,
  type Fork,
  type Row,
} from './tree';

/** How one person looks at a conversation: which branch, hidden turns or not, which turn is active or being edited. */
export class Reader {
  readonly choices = signal<ReadonlyMap<string, string>>(new Map());
  readonly showHidden = signal(false);
  /** The turn that has the keyboard. */
  readonly active = signal<string | null>(null);
  readonly editing = signal<string | null>(null);
  /** Where the composer's turn goes: below this turn, or at the end of the branch (null). */
  readonly replyTo = signal<string | null>(null);

  readonly path: ReadonlySignal<string[]>;
  readonly shown: ReadonlySignal<{ rows: Row[]; hidden: number; rest: Fork[] }>;

  constructor(readonly session: Session) {
    const { view } = session;
    this.path = computed(() =>
      shownPath(view.tree.value, view.meta.value.current, this.choices.value),
    );
    this.shown = computed(() =>
      shownRows(view.tree.value, this.path.value, {
        showHidden: this.showHidden.value,
        // Not subscribed: a turn that was empty when the tree changed is a turn that came empty.
        isEmpty: (turn) => isEmptyTurn(turn, view.turns.get(turn.id)?.text.peek().length ?? 0),
      }),
    );
  }

  /** The leaf of the branch on screen: where a new turn goes. */
  leaf(): string | null {
    return this.path.peek().at(-1) ?? null;
  }

  choose(parent: string, child: string): void {
    const choices = new Map(this.choices.peek());
    choices.set(parent, child);
    this.choices.value = choices;
  }

  /** Another way at a fork, round and round; returns the turn that was chosen. */
  turnFork(fork: Fork, step: number): string {
    const next = fork.options[(fork.position + step + fork.options.length) % fork.options.length]!;
    this.choose(fork.parent, next);
    return next;
  }

  /** Brings a turn to the screen, whatever branch it is on and however hidden. */
  reveal(id: string): boolean {
    const tree = this.session.view.tree.peek();
    const turn = tree.byId.get(id);
    if (!turn) return false;
    const choices = new Map(this.choices.peek());
    for (const [parent, child] of choicesTo(tree, id)) choices.set(parent, child);
    this.choices.value = choices;
    if (!this.shown.peek().rows.some((row) => row.turn.id === id)) this.showHidden.value = true;
    return true;
  }

  /** The branch of a turn that was just added: its ancestors' choices, and nothing below it. */
  follow(id: string): void {
    const tree = this.session.view.tree.peek();
    const choices = new Map(this.choices.peek());
    for (const turn of ancestors(tree, id)) choices.set(tree.byId.get(turn)?.parent ?? root, turn);
    this.choices.value = choices;
  }

  move(step: number): string | null {
    const { rows } = this.shown.peek();
    if (rows.length === 0) return null;
    const at = rows.findIndex((row) => row.turn.id === this.active.peek());
    const next =
      at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + step));
    this.active.value = rows[next]!.turn.id;
    return this.active.value;
  }
}

/** The element of a turn, for focus and scrolling. */
export const turnElement = (id: string): HTMLElement | null =>
  document.getElementById(`turn-${id}`);
