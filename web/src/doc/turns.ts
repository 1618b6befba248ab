import { signal, type Signal } from '@preact/signals';
import * as Y from 'yjs';
import {
  readMeta,
  readProvenance,
  readTurn,
  type Getter,
  type Meta,
  type Provenance,
  type TurnFields,
} from './model';
import { buildTree, type Tree } from './tree';

/** One turn as the screen sees it. `text` changes at every keystroke, `fields` hardly ever: whoever shows only one of them renders only then. */
export class TurnView {
  readonly fields: Signal<TurnFields>;
  readonly text = signal('');
  ytext: Y.Text | null = null;

  constructor(
    readonly id: string,
    map: Getter,
  ) {
    this.fields = signal(readTurn(id, map));
    this.refresh(map);
  }

  refresh(map: Getter): void {
    this.fields.value = readTurn(this.id, map);
    const text = map.get('text');
    this.ytext = text instanceof Y.Text ? text : null;
    this.text.value = this.ytext ? this.ytext.toString() : typeof text === 'string' ? text : '';
  }
}

export interface Participant {
  name: string;
  colour: string;
}

/** Signals over one document. Changes are gathered and applied once a frame, so that a burst of updates renders once. */
export class ConversationView {
  readonly title = signal('');
  readonly meta = signal<Meta>({});
  readonly provenance = signal<Provenance>({});
  readonly participants = signal<ReadonlyMap<string, Participant>>(new Map());
  readonly tree = signal<Tree>(buildTree([]));
  readonly turns = new Map<string, TurnView>();

  readonly #doc: Y.Doc;
  readonly #dirtyFields = new Set<string>();
  readonly #dirtyTexts = new Set<string>();
  #dirtyRoots = true;
  #scheduled = false;
  #closed = false;
  readonly #unobserve: () => void;

  constructor(doc: Y.Doc) {
    this.#doc = doc;
    const turns = doc.getMap<Y.Map<unknown>>('turns');
    const onTurns = (events: Y.YEvent<Y.AbstractType<unknown>>[]) => this.#onTurns(events);
    const onRoot = () => {
      this.#dirtyRoots = true;
      this.#schedule();
    };
    const roots = [
      doc.getText('title'),
      doc.getMap('meta'),
      doc.getMap('provenance'),
      doc.getMap('participants'),
    ];
    turns.observeDeep(onTurns as never);
    for (const type of roots) type.observeDeep(onRoot);
    this.#unobserve = () => {
      turns.unobserveDeep(onTurns as never);
      for (const type of roots) type.unobserveDeep(onRoot);
    };
    for (const id of turns.keys()) this.#dirtyFields.add(id);
    this.flush();
  }

  close(): void {
    this.#closed = true;
    this.#unobserve();
  }

  #onTurns(events: Y.YEvent<Y.AbstractType<unknown>>[]): void {
    for (const event of events) {
      const [id, key] = event.path;
      if (id === undefined) for (const changed of event.keys.keys()) this.#dirtyFields.add(changed);
      else if (key === undefined) this.#dirtyFields.add(String(id));
      else if (key === 'text') this.#dirtyTexts.add(String(id));
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (document.hidden) setTimeout(() => this.flush(), 50);
    else requestAnimationFrame(() => this.flush());
  }

  /** Applies what was gathered now, for code that goes on to use what it just wrote. */
  flush(): void {
    this.#scheduled = false;
    if (this.#closed) return;
    if (this.#dirtyRoots) this.#refreshRoots();
    for (const id of this.#dirtyTexts) {
      const view = this.turns.get(id);
      if (view?.ytext) view.text.value = view.ytext.toString();
    }
    this.#dirtyTexts.clear();
    if (this.#dirtyFields.size > 0) this.#refreshTurns();
  }

  #refreshRoots(): void {
    this.#dirtyRoots = false;
    this.title.value = this.#doc.getText('title').toString();
    this.meta.value = readMeta(this.#doc.getMap('meta'));
    this.provenance.value = readProvenance(this.#doc.getMap('provenance'));
    const participants = new Map<string, Participant>();
    this.#doc.getMap('participants').forEach((value, id) => {
      const person = value as Partial<Participant> | null;
      if (typeof person?.name === 'string')
        participants.set(id, { name: person.name, colour: String(person.colour ?? '') });
    });
    this.participants.value = participants;
  }

  #refreshTurns(): void {
    const turns = this.#doc.getMap('turns');
    for (const id of this.#dirtyFields) {
      const map = turns.get(id);
      const view = this.turns.get(id);
      if (!(map instanceof Y.Map)) this.turns.delete(id);
      else if (view) view.refresh(map);
      else this.turns.set(id, new TurnView(id, map));
    }
    this.#dirtyFields.clear();
    this.tree.value = buildTree(Array.from(this.turns.values(), (view) => view.fields.value));
  }
}
