import { useEffect, useMemo, useRef } from 'preact/hooks';
import { exportUrl } from '../api/client';
import { onNodeEvent } from '../api/events';
import { Reader, turnElement } from '../doc/reader';
import { Session } from '../doc/session';
import { go, route } from '../lib/router';
import { longDate } from '../lib/time';
import { Badge } from './Badge';
import { Composer } from './Composer';
import { openDialog } from './dialog';
import {
  BackIcon,
  EyeIcon,
  MoreIcon,
  ProviderMark,
  providerName,
  RedoIcon,
  ShareIcon,
  UndoIcon,
} from './icons';
import { Menu } from './menu';
import { Visitors } from './Presence';
import { activeReader } from './shortcuts';
import { Title } from './Title';
import { toast } from './toasts';
import { ForkSwitch, TurnRow } from './TurnRow';

/** One conversation on screen: opens its session, and closes it when another is shown. */
export function Conversation({ id, turn }: { id: string; turn: string | undefined }) {
  const reader = useMemo(() => new Reader(new Session(id)), [id]);
  useEffect(() => {
    activeReader.value = reader;
    const stop = onNodeEvent((event) => {
      if (event.type !== 'conversation:removed' || event['id'] !== id) return;
      toast('This conversation was deleted');
      void reader.session.forget();
      go({ page: 'list' }, { replace: true });
    });
    return () => {
      stop();
      if (activeReader.peek() === reader) activeReader.value = null;
      reader.session.close();
    };
  }, [reader]);
  useReveal(reader, turn);
  const { session } = reader;
  const title = session.view.title.value;
  useEffect(() => {
    document.title = `${title || 'Untitled'} · VIVIM`;
  }, [title]);
  return (
    <section class="conversation" aria-label={title || 'Conversation'} key={id}>
      <Bar reader={reader} />
      <div class="scroll" id="scroll">
        <div class="column">
          {session.refused.value !== null && !session.loaded.value ? (
            <Refused session={session} />
          ) : (
            <Body reader={reader} />
          )}
        </div>
      </div>
    </section>
  );
}

/** Goes to the turn of the address once it is there. */
function useReveal(reader: Reader, turn: string | undefined): void {
  const done = useRef<string | null>(null);
  const tree = reader.session.view.tree.value;
  useEffect(() => {
    const wanted = turn === undefined ? null : `${reader.session.id}/${turn}`;
    if (wanted === null || turn === undefined || done.current === wanted || !tree.byId.has(turn))
      return;
    done.current = wanted;
    reader.reveal(turn);
    reader.active.value = turn;
    requestAnimationFrame(() => {
      const element = turnElement(turn);
      element?.scrollIntoView({ block: 'start' });
      element?.focus({ preventScroll: true });
      element?.setAttribute('data-found', '');
    });
  }, [reader, turn, tree]);
}

function Bar({ reader }: { reader: Reader }) {
  const { session } = reader;
  const title = session.view.title.value;
  const share = () => (openDialog.value = { kind: 'share', id: session.id, title });
  return (
    <header class="bar">
      <button
        type="button"
        class="button quiet square only-phone"
        aria-label="Back to the list"
        onClick={() => go({ page: 'list' })}
      >
        <BackIcon />
      </button>
      <Badge session={session} />
      <Visitors session={session} />
      <span class="grow" />
      <button
        type="button"
        class="button quiet square only-wide"
        aria-label="Undo"
        title="Undo (Ctrl+Z)"
        onClick={() => session.undo.undo()}
      >
        <UndoIcon />
      </button>
      <button
        type="button"
        class="button quiet square only-wide"
        aria-label="Redo"
        title="Redo (Ctrl+Shift+Z)"
        onClick={() => session.undo.redo()}
      >
        <RedoIcon />
      </button>
      <HiddenToggle reader={reader} />
      <button type="button" class="button" onClick={share}>
        <ShareIcon />
        <span>Share</span>
      </button>
      <Menu label="More" icon={<MoreIcon />}>
        <button
          type="button"
          role="menuitem"
          class="only-phone"
          onClick={() => session.undo.undo()}
        >
          Undo
        </button>
        {(['md', 'html', 'json'] as const).map((format) => (
          <a key={format} role="menuitem" href={exportUrl(session.id, format)} download>
            Export as {{ md: 'Markdown', html: 'HTML', json: 'JSON' }[format]}
          </a>
        ))}
        <button
          type="button"
          role="menuitem"
          class="danger"
          onClick={() => (openDialog.value = { kind: 'delete', id: session.id, title })}
        >
          Delete conversation…
        </button>
      </Menu>
    </header>
  );
}

function HiddenToggle({ reader }: { reader: Reader }) {
  const { hidden } = reader.shown.value;
  const on = reader.showHidden.value;
  if (hidden === 0) return null;
  return (
    <button
      type="button"
      class="button quiet"
      aria-pressed={on}
      title="Turns that the provider hides (h)"
      onClick={() => (reader.showHidden.value = !on)}
    >
      <EyeIcon />
      <span class="only-wide">{on ? `Hide ${hidden}` : `${hidden} hidden`}</span>
      <span class="sr only-phone">{on ? 'Hide' : 'Show'} hidden turns</span>
    </button>
  );
}

function Body({ reader }: { reader: Reader }) {
  const { session } = reader;
  if (!session.loaded.value) return <Loading session={session} />;
  return (
    <>
      <Title session={session} />
      <Facts reader={reader} />
      <Turns reader={reader} />
      <Composer reader={reader} />
    </>
  );
}

function Facts({ reader }: { reader: Reader }) {
  const { view } = reader.session;
  const { provider } = view.provenance.value;
  const { created, model } = view.meta.value;
  return (
    <p class="facts">
      <ProviderMark provider={provider} />
      <span>{providerName(provider)}</span>
      {model && model !== 'auto' && <span>{model}</span>}
      {created !== undefined && (
        <time dateTime={new Date(created).toISOString()}>{longDate(created)}</time>
      )}
    </p>
  );
}

function Turns({ reader }: { reader: Reader }) {
  const { rows, rest } = reader.shown.value;
  const { turns } = reader.session.view;
  return (
    <ol class="turns" aria-label="Turns">
      {rows.map((row) => {
        const view = turns.get(row.turn.id);
        return view && <TurnRow key={row.turn.id} reader={reader} view={view} row={row} />;
      })}
      {rest.map((fork) => (
        <li key={`fork-${fork.parent}`} class="turn-slot">
          <ForkSwitch reader={reader} fork={fork} />
        </li>
      ))}
      {rows.length === 0 && <li class="empty-turns">An empty page. Write the first turn below.</li>}
    </ol>
  );
}

function Loading({ session }: { session: Session }) {
  if (session.link.value === 'offline') {
    return (
      <div class="message" role="status">
        <h2>Not kept by this browser</h2>
        <p>
          This conversation was never opened here while the node was running. It appears as soon as
          the node is back.
        </p>
        <button type="button" class="button" onClick={() => session.retry()}>
          Try now
        </button>
      </div>
    );
  }
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      <i />
      <i />
      <i />
      <i />
    </div>
  );
}

function Refused({ session }: { session: Session }) {
  const missing = session.refused.value === 4404;
  return (
    <div class="message" role="alert">
      <h2>{missing ? 'No such conversation' : 'The node did not let us in'}</h2>
      <p>
        {missing
          ? 'It is not on this node: it may have been deleted.'
          : 'Open the address that the node printed when it started: it signs this browser in.'}
      </p>
      <div class="row">
        <button type="button" class="button" onClick={() => go({ page: 'list' })}>
          To the list
        </button>
        <button type="button" class="button" onClick={() => session.retry()}>
          Try again
        </button>
      </div>
    </div>
  );
}

/** Where no conversation is chosen: only seen beside the list, on wide screens. */
export function NoConversation() {
  useEffect(() => {
    document.title = 'VIVIM';
  }, []);
  return (
    <section class="conversation welcome" aria-label="Welcome" data-page={route.value.page}>
      <div class="message">
        <img src="./icon.svg" alt="" width="56" height="56" />
        <h1>Your conversations, in your own hands</h1>
        <p>Choose one on the left, write a new one, or drop an export anywhere on this page.</p>
        <p class="hint">
          Press <kbd>?</kbd> for every key.
        </p>
      </div>
    </section>
  );
}
