import { isBlankPart, type TurnFields } from './model';

/** The tree of turns; pure, built again whenever a turn comes, goes or changes its fields. */
export interface Tree {
  byId: Map<string, TurnFields>;
  /** Children in document order; `root` for turns without a parent (or with one that is not there). */
  children: Map<string, string[]>;
  /** Turns that are shown, or lead to one that is. */
  alive: Set<string>;
}

export const root = '';

/** A place where the shown path could have gone another way. */
export interface Fork {
  parent: string;
  options: string[];
  position: number;
}

/** A turn on screen, with the forks that lead to it (its own, and those of hidden turns above it). */
export interface Row {
  turn: TurnFields;
  forks: Fork[];
}

/** Order among siblings: `index`, then `time`, then id by code units; what is missing comes last. */
export function compareSiblings(a: TurnFields, b: TurnFields): number {
  const byIndex = compareNumbers(a.index, b.index);
  if (byIndex !== 0) return byIndex;
  const byTime = compareNumbers(a.time, b.time);
  if (byTime !== 0) return byTime;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function compareNumbers(a: number | undefined, b: number | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a - b;
}

export function buildTree(turns: Iterable<TurnFields>): Tree {
  const byId = new Map<string, TurnFields>();
  for (const turn of turns) byId.set(turn.id, turn);
  const children = new Map<string, string[]>();
  for (const turn of byId.values()) {
    const parent = turn.parent !== null && byId.has(turn.parent) ? turn.parent : root;
    const siblings = children.get(parent);
    if (siblings) siblings.push(turn.id);
    else children.set(parent, [turn.id]);
  }
  for (const siblings of children.values()) {
    if (siblings.length > 1) siblings.sort((a, b) => compareSiblings(byId.get(a)!, byId.get(b)!));
  }
  return { byId, children, alive: findAlive(byId) };
}

/** Every turn that is not deleted, and all their ancestors. */
function findAlive(byId: Map<string, TurnFields>): Set<string> {
  const alive = new Set<string>();
  for (const turn of byId.values()) {
    if (turn.deleted) continue;
    let at: TurnFields | undefined = turn;
    while (at && !alive.has(at.id)) {
      alive.add(at.id);
      at = at.parent === null ? undefined : byId.get(at.parent);
    }
  }
  return alive;
}

export function aliveChildren(tree: Tree, parent: string): string[] {
  return (tree.children.get(parent) ?? []).filter((id) => tree.alive.has(id));
}

/** The turn and all its ancestors. */
export function ancestors(tree: Tree, id: string | undefined): Set<string> {
  const seen = new Set<string>();
  let at = id === undefined ? undefined : tree.byId.get(id);
  while (at && !seen.has(at.id)) {
    seen.add(at.id);
    at = at.parent === null ? undefined : tree.byId.get(at.parent);
  }
  return seen;
}

/**
 * The path that is shown: at each fork the person's choice, else the way to `current`, else the last child.
 * Ends at a leaf; safe against cycles that a peer may have made.
 */
export function shownPath(
  tree: Tree,
  current: string | undefined,
  choices: ReadonlyMap<string, string>,
): string[] {
  const wanted = ancestors(tree, current);
  const path: string[] = [];
  const seen = new Set<string>();
  let at = root;
  for (;;) {
    const options = aliveChildren(tree, at);
    if (options.length === 0) return path;
    const choice = choices.get(at);
    const next =
      choice !== undefined && options.includes(choice)
        ? choice
        : (options.find((id) => wanted.has(id)) ?? options[options.length - 1]!);
    if (seen.has(next)) return path;
    seen.add(next);
    path.push(next);
    at = next;
  }
}

/** The choices that lead the shown path through `id`. */
export function choicesTo(tree: Tree, id: string): Map<string, string> {
  const choices = new Map<string, string>();
  for (const turn of ancestors(tree, id)) {
    const parent = tree.byId.get(turn)!.parent;
    choices.set(parent !== null && tree.byId.has(parent) ? parent : root, turn);
  }
  return choices;
}

/** Turns that say nothing to a reader: the source's empty nodes. A new turn is empty too, but somebody is writing it. */
export function isEmptyTurn(turn: TurnFields, textLength: number): boolean {
  return turn.content !== undefined && textLength === 0 && turn.parts.every(isBlankPart);
}

export interface RowOptions {
  showHidden: boolean;
  isEmpty(turn: TurnFields): boolean;
}

/** What stands on the screen, top to bottom, and the forks below the last row. */
export function shownRows(
  tree: Tree,
  path: readonly string[],
  options: RowOptions,
): { rows: Row[]; hidden: number; rest: Fork[] } {
  const rows: Row[] = [];
  let forks: Fork[] = [];
  let hidden = 0;
  let parent = root;
  for (const id of path) {
    const turn = tree.byId.get(id)!;
    const siblings = aliveChildren(tree, parent);
    if (siblings.length > 1)
      forks.push({ parent, options: siblings, position: siblings.indexOf(id) });
    parent = id;
    if (turn.deleted || turn.role === 'none') continue;
    if (turn.hidden || options.isEmpty(turn)) {
      hidden++;
      if (!options.showHidden) continue;
    }
    rows.push({ turn, forks });
    forks = [];
  }
  return { rows, hidden, rest: forks };
}
