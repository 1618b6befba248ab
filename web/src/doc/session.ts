import { computed, effect, signal } from '@preact/signals';
import { IndexeddbPersistence } from 'y-indexeddb';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { socketUrl } from '../api/client';
import { identity, safeColour } from '../lib/identity';
import { DurabilityTracker, readFrame, readStateVector, step1Frame } from './durability';
import { localOrigin } from './edit';
import { ConversationView } from './turns';

export type LinkState = 'connecting' | 'online' | 'offline';
/** What the badge says. */
export type SyncState = 'loading' | 'online' | 'syncing' | 'offline';

/** Somebody else who has this conversation open. */
export interface Visitor {
  client: number;
  name: string;
  colour: string;
  /** The turn they are at, or `title`. */
  at: string | null;
  editing: boolean;
}

const askAfterMs = 120;
const askAgainMsMax = 2_000;
/** Keeps the provider's silence watchdog (30 s) content and the badge honest. */
const askAnywayMs = 12_000;
/** A question that waits longer for its answer means that the line is dead, whatever the socket says. */
const answerMsMax = 6_000;
const localLoadMsMax = 3_000;
const visitorsMax = 64;

/** One open conversation: document, its copy in IndexedDB, the connection to the node, who is here, undo. */
export class Session {
  readonly doc = new Y.Doc();
  readonly view = new ConversationView(this.doc);
  readonly provider: WebsocketProvider;
  readonly undo: Y.UndoManager;
  readonly link = signal<LinkState>('connecting');
  readonly saved = signal(false);
  /** Every edit is in this browser's own storage: a reload loses nothing, whether the node is there or not. */
  readonly kept = signal(true);
  /** Something is there to show: from this browser's copy or from the node. */
  readonly loaded = signal(false);
  readonly synced = signal(false);
  /** The node refused for good: 4403 not authorised, 4404 no such document. */
  readonly refused = signal<number | null>(null);
  readonly visitors = signal<readonly Visitor[]>([]);
  readonly state = computed<SyncState>(() => {
    if (this.link.value === 'offline') return 'offline';
    if (!this.loaded.value) return 'loading';
    return this.link.value === 'online' && this.synced.value && this.saved.value
      ? 'online'
      : 'syncing';
  });

  readonly #persistence: IndexeddbPersistence;
  readonly #tracker = new DurabilityTracker();
  readonly #stops: (() => void)[] = [];
  #askTimer: ReturnType<typeof setTimeout> | undefined;
  #answerTimer: ReturnType<typeof setTimeout> | undefined;
  #askDelay = askAfterMs;
  #keptGeneration = 0;
  #closed = false;

  constructor(readonly id: string) {
    this.#persistence = new IndexeddbPersistence(`vivim-${id}`, this.doc);
    this.provider = new WebsocketProvider(socketUrl('sync'), id, this.doc, { connect: false });
    this.undo = new Y.UndoManager([this.doc.getText('title'), this.doc.getMap('turns')], {
      trackedOrigins: new Set([localOrigin]),
    });
    this.#watchLink();
    this.#watchEdits();
    this.#watchPresence();
    this.#start();
  }

  #start(): void {
    const go = () => {
      if (this.#closed || this.provider.shouldConnect) return;
      this.#noteLoaded();
      this.provider.connect();
    };
    this.#persistence.once('synced', go);
    const timer = setTimeout(go, localLoadMsMax);
    this.#stops.push(() => clearTimeout(timer));
  }

  #noteLoaded(): void {
    this.view.flush();
    if (
      this.doc.getMap('meta').has('schema') ||
      this.doc.getMap('turns').size > 0 ||
      this.synced.value
    ) {
      this.loaded.value = true;
    }
  }

  #watchLink(): void {
    const { provider } = this;
    provider.on('status', ({ status }) => {
      if (status === 'connected') this.#onConnected();
      if (status === 'disconnected') this.link.value = 'offline';
    });
    provider.on('connection-close', () => {
      this.link.value = 'offline';
      clearTimeout(this.#askTimer);
      clearTimeout(this.#answerTimer);
    });
    provider.on('sync', (synced: boolean) => {
      this.synced.value = synced;
      if (synced) this.#noteLoaded();
    });
    provider.on('closed', ({ code }) => {
      this.refused.value = code;
    });
    const reconnect = () => this.retry();
    addEventListener('online', reconnect);
    this.#stops.push(() => removeEventListener('online', reconnect));
  }

  /** Tries again at once, also after a refusal. */
  retry(): void {
    if (this.provider.wsconnected || this.provider.wsconnecting) return;
    this.refused.value = null;
    this.provider.wsUnsuccessfulReconnects = 0;
    this.provider.connect();
  }

  #onConnected(): void {
    this.link.value = 'online';
    this.#answerTimer = undefined;
    this.#tracker.connected();
    this.#refreshSaved();
    this.provider.ws?.addEventListener('message', (event: MessageEvent<ArrayBuffer>) => {
      const frame = readFrame(new Uint8Array(event.data));
      if (frame.kind === 'other') return;
      clearTimeout(this.#answerTimer);
      this.#answerTimer = undefined;
      this.link.value = 'online';
      this.#tracker.received(frame);
      this.#refreshSaved();
    });
    this.#askSoon(askAnywayMs);
  }

  #watchEdits(): void {
    this.doc.on('update', (_update: Uint8Array, origin: unknown) => {
      if (origin === this.provider || origin === this.#persistence) return;
      this.#tracker.edited();
      this.saved.value = false;
      this.#askDelay = askAfterMs;
      this.#askSoon(this.#askDelay);
      this.#watchKept();
    });
    const onLeave = (event: BeforeUnloadEvent) => {
      if (!this.kept.peek() && !this.saved.peek()) event.preventDefault();
    };
    addEventListener('beforeunload', onLeave);
    this.#stops.push(() => removeEventListener('beforeunload', onLeave));
  }

  /** IndexedDB runs a reading transaction after the writing ones before it: when it ends, they are committed. */
  #watchKept(): void {
    const generation = ++this.#keptGeneration;
    this.kept.value = false;
    // Behind the provider's own handler of this update, whichever of the two was called first.
    queueMicrotask(() => {
      const { db } = this.#persistence;
      if (!db || this.#closed) return;
      const fence = db.transaction(['updates'], 'readonly');
      fence.objectStore('updates').count();
      fence.oncomplete = () => {
        if (generation === this.#keptGeneration) this.kept.value = true;
      };
    });
  }

  #refreshSaved(): void {
    this.saved.value = this.#tracker.isSaved(readStateVector(Y.encodeStateVector(this.doc)));
    if (this.saved.value) {
      this.#askDelay = askAfterMs;
      this.#askSoon(askAnywayMs);
    } else if (!this.#tracker.isWaiting) {
      this.#askSoon(this.#askDelay);
      this.#askDelay = Math.min(this.#askDelay * 2, askAgainMsMax);
    }
  }

  #askSoon(delay: number): void {
    clearTimeout(this.#askTimer);
    this.#askTimer = setTimeout(() => {
      const ws = this.provider.ws;
      if (this.#closed || !this.provider.wsconnected || ws?.readyState !== WebSocket.OPEN) return;
      ws.send(step1Frame(Y.encodeStateVector(this.doc)));
      this.#tracker.asked();
      this.#answerTimer ??= setTimeout(() => (this.link.value = 'offline'), answerMsMax);
      this.#askSoon(askAnywayMs);
    }, delay);
  }

  #watchPresence(): void {
    const { awareness } = this.provider;
    this.#stops.push(
      effect(() => {
        const { id, name, colour } = identity.value;
        awareness.setLocalStateField('user', {
          id,
          name,
          color: colour,
          colorLight: `${colour}33`,
        });
      }),
    );
    awareness.on('change', () => {
      const visitors: Visitor[] = [];
      for (const [client, state] of awareness.getStates()) {
        if (client !== this.doc.clientID && visitors.length < visitorsMax)
          visitors.push(readVisitor(client, state));
      }
      this.visitors.value = visitors.sort((a, b) => a.client - b.client);
    });
  }

  /** Tells the others where we are. */
  setPlace(at: string | null, editing: boolean): void {
    const state = this.provider.awareness.getLocalState();
    if (state?.['at'] === at && state['editing'] === editing) return;
    this.provider.awareness.setLocalState({
      ...state,
      at,
      editing,
      ...(editing ? {} : { cursor: null }),
    });
  }

  /** Forgets this browser's copy, for a conversation that was deleted. */
  async forget(): Promise<void> {
    await this.#persistence.clearData();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#askTimer);
    clearTimeout(this.#answerTimer);
    for (const stop of this.#stops) stop();
    this.undo.destroy();
    this.view.close();
    this.provider.awareness.destroy();
    this.provider.destroy();
    void this.#persistence.destroy().then(() => this.doc.destroy());
  }
}

function readVisitor(client: number, state: Record<string, unknown>): Visitor {
  const user = (state['user'] ?? {}) as Record<string, unknown>;
  const name = typeof user['name'] === 'string' ? user['name'].slice(0, 60) : '';
  return {
    client,
    name: name === '' ? 'Somebody' : name,
    colour: safeColour(user['color']),
    at: typeof state['at'] === 'string' ? state['at'] : null,
    editing: state['editing'] === true,
  };
}
