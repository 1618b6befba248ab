import { memo } from '../lib/memo';
import { deleteTurn } from '../doc/edit';
import type { TurnFields } from '../doc/model';
import type { Reader } from '../doc/reader';
import { turnElement } from '../doc/reader';
import type { TurnView } from '../doc/turns';
import type { Fork, Row } from '../doc/tree';
import { identity, safeColour } from '../lib/identity';
import { longDate, shortDate } from '../lib/time';
import { markCitations } from '../markdown/citations';
import { Markdown } from '../markdown/Markdown';
import { copyText } from './clipboard';
import { BranchIcon, CheckIcon, CopyIcon, EditIcon, LeftIcon, RightIcon, TrashIcon } from './icons';
import { PartView } from './Parts';
import { VisitorDots } from './Presence';
import { TextEditor } from './TextEditor';
import { toast } from './toasts';

interface TurnRowProps {
  reader: Reader;
  view: TurnView;
  row: Row;
}

/** Rows are made anew whenever the tree changes; what they say changes seldom. */
function sameRow(a: TurnRowProps, b: TurnRowProps): boolean {
  return (
    a.reader === b.reader &&
    a.view === b.view &&
    a.row.turn === b.row.turn &&
    a.row.forks.length === b.row.forks.length &&
    a.row.forks.every((fork, at) => {
      const other = b.row.forks[at]!;
      return (
        fork.parent === other.parent &&
        fork.position === other.position &&
        fork.options.join() === other.options.join()
      );
    })
  );
}

export const TurnRow = memo(function TurnRow({ reader, view, row }: TurnRowProps) {
  const turn = view.fields.value;
  const active = reader.active.value === turn.id;
  const editing = reader.editing.value === turn.id;
  const who = whoIs(reader, turn);
  const role = turn.channel === 'note' ? 'note' : turn.role;
  const label = `${who.name}${turn.time ? `, ${longDate(turn.time)}` : ''}`;
  return (
    <li class="turn-slot">
      {row.forks.map((fork) => (
        <ForkSwitch key={fork.parent} reader={reader} fork={fork} />
      ))}
      <span
        class="dot"
        data-role={role}
        style={who.colour ? { '--dot': who.colour } : undefined}
        aria-hidden="true"
      />
      <article
        id={`turn-${turn.id}`}
        class="turn"
        data-role={role}
        data-hidden={turn.hidden || undefined}
        data-active={active || undefined}
        aria-label={label}
        tabIndex={active ? 0 : -1}
        onFocusIn={() => {
          reader.active.value = turn.id;
          reader.session.setPlace(turn.id, reader.editing.peek() === turn.id);
        }}
      >
        <TurnHead reader={reader} turn={turn} who={who} />
        <TurnBody reader={reader} view={view} turn={turn} editing={editing} />
        <TurnActions reader={reader} view={view} turn={turn} active={active} editing={editing} />
      </article>
    </li>
  );
}, sameRow);

interface Who {
  name: string;
  colour?: string;
}

function whoIs(reader: Reader, turn: TurnFields): Who {
  if (turn.role === 'assistant') return { name: 'Assistant' };
  if (turn.role === 'tool') return { name: turn.name ?? 'Tool' };
  if (turn.role === 'system') return { name: 'System' };
  if (turn.name === identity.value.id) return { name: 'You', colour: identity.value.colour };
  const person =
    turn.name === undefined ? undefined : reader.session.view.participants.value.get(turn.name);
  return person ? { name: person.name, colour: safeColour(person.colour) } : { name: 'You' };
}

function TurnHead({ reader, turn, who }: { reader: Reader; turn: TurnFields; who: Who }) {
  const author =
    turn.role === 'assistant' && turn.name !== undefined
      ? reader.session.view.participants.value.get(turn.name)?.name
      : undefined;
  return (
    <header class="turn-head">
      <span class="turn-who">{who.name}</span>
      {turn.channel === 'note' && <span class="tag">note</span>}
      {turn.hidden && <span class="tag">hidden</span>}
      {turn.model && <span class="turn-model">{turn.model}</span>}
      {author && <span class="turn-model">written by {author}</span>}
      {turn.recipient && <span class="turn-model">to {turn.recipient}</span>}
      <VisitorDots session={reader.session} at={turn.id} />
      {turn.time !== undefined && (
        <time
          class="turn-time"
          dateTime={new Date(turn.time).toISOString()}
          title={longDate(turn.time)}
        >
          {shortDate(turn.time, Date.now())}
        </time>
      )}
    </header>
  );
}

function TurnBody({
  reader,
  view,
  turn,
  editing,
}: {
  reader: Reader;
  view: TurnView;
  turn: TurnFields;
  editing: boolean;
}) {
  const marker = turn.parts.findIndex((part) => part.type === 'text');
  const words = <Words key="words" reader={reader} view={view} turn={turn} editing={editing} />;
  const parts = turn.parts.map((part, at) =>
    part.type === 'text' ? at === marker ? words : null : <PartView key={at} part={part} />,
  );
  return (
    <div class="turn-body">
      {parts}
      {marker < 0 && words}
    </div>
  );
}

/** The words of a turn: the only piece that renders at a keystroke. */
function Words({
  reader,
  view,
  turn,
  editing,
}: {
  reader: Reader;
  view: TurnView;
  turn: TurnFields;
  editing: boolean;
}) {
  if (editing && view.ytext) {
    const stop = () => stopEditing(reader, turn.id);
    return (
      <TextEditor
        session={reader.session}
        ytext={view.ytext}
        onDone={stop}
        label="Text of this turn, Markdown"
      />
    );
  }
  const text = view.text.value;
  if (text === '')
    return turn.parts.some((part) => part.type !== 'text') ? null : (
      <p class="blank">No words yet.</p>
    );
  return turn.role === 'tool' || turn.role === 'system' ? (
    <p class="plain">{markCitations(text)}</p>
  ) : (
    <Markdown text={text} />
  );
}

export function startEditing(reader: Reader, id: string): void {
  if (!reader.session.view.turns.get(id)?.ytext) return;
  reader.active.value = id;
  reader.editing.value = id;
  reader.session.setPlace(id, true);
}

export function stopEditing(reader: Reader, id: string): void {
  reader.editing.value = null;
  reader.session.setPlace(id, false);
  requestAnimationFrame(() => turnElement(id)?.focus());
}

export function removeTurn(reader: Reader, id: string): void {
  if (reader.editing.peek() === id) reader.editing.value = null;
  reader.session.undo.stopCapturing();
  deleteTurn(reader.session.doc, id);
  reader.session.undo.stopCapturing();
  toast('Turn removed', { action: { label: 'Undo', run: () => reader.session.undo.undo() } });
}

function TurnActions({
  reader,
  view,
  turn,
  active,
  editing,
}: {
  reader: Reader;
  view: TurnView;
  turn: TurnFields;
  active: boolean;
  editing: boolean;
}) {
  const tab = active ? 0 : -1;
  if (editing) {
    return (
      <div class="turn-done">
        <button
          type="button"
          class="button small primary"
          onClick={() => stopEditing(reader, turn.id)}
        >
          <CheckIcon /> Done
        </button>
        <span class="hint">Markdown. Kept as you type.</span>
      </div>
    );
  }
  const copy = () =>
    void copyText(view.text.peek()).then((ok) =>
      toast(ok ? 'Copied' : 'The browser did not allow it'),
    );
  return (
    <div class="turn-actions" role="group" aria-label="Actions">
      {view.ytext && (
        <button
          type="button"
          class="button quiet square"
          tabIndex={tab}
          aria-label="Edit"
          title="Edit (e)"
          onClick={() => startEditing(reader, turn.id)}
        >
          <EditIcon />
        </button>
      )}
      <button
        type="button"
        class="button quiet square"
        tabIndex={tab}
        aria-label="Copy the text"
        title="Copy (c)"
        onClick={copy}
      >
        <CopyIcon />
      </button>
      <button
        type="button"
        class="button quiet square"
        tabIndex={tab}
        aria-label="Reply here, as a new branch"
        title="Reply here (b)"
        onClick={() => (reader.replyTo.value = turn.id)}
      >
        <BranchIcon />
      </button>
      <button
        type="button"
        class="button quiet square"
        tabIndex={tab}
        aria-label="Remove this turn"
        title="Remove (Delete)"
        onClick={() => removeTurn(reader, turn.id)}
      >
        <TrashIcon />
      </button>
    </div>
  );
}

/** "‹ 2/3 ›" where branches part. */
export function ForkSwitch({ reader, fork }: { reader: Reader; fork: Fork }) {
  const turn = (step: number) => {
    reader.active.value = reader.turnFork(fork, step);
  };
  return (
    <div
      class="fork"
      role="group"
      aria-label={`Branch ${fork.position + 1} of ${fork.options.length}`}
    >
      <button
        type="button"
        class="button quiet"
        aria-label="Previous branch"
        title="Previous branch ([)"
        onClick={() => turn(-1)}
      >
        <LeftIcon />
      </button>
      <span class="fork-count" aria-live="polite">
        {fork.position + 1}/{fork.options.length}
      </span>
      <button
        type="button"
        class="button quiet"
        aria-label="Next branch"
        title="Next branch (])"
        onClick={() => turn(1)}
      >
        <RightIcon />
      </button>
    </div>
  );
}
