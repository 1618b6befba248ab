import { useEffect, useRef, useState } from 'preact/hooks';
import { addTurn, type NewRole } from '../doc/edit';
import { turnElement, type Reader } from '../doc/reader';
import { identity } from '../lib/identity';
import { storage } from '../lib/storage';
import { CloseIcon } from './icons';
import { Switch } from './Sidebar';

const roles = [
  ['user', 'You'],
  ['assistant', 'Assistant'],
  ['note', 'Note'],
] as const;

/** Writes a new turn at the end of the branch on screen, or below any turn as a new branch. The draft is kept. */
export function Composer({ reader }: { reader: Reader }) {
  const key = `draft.${reader.session.id}`;
  const field = useRef<HTMLTextAreaElement>(null);
  const [role, setRole] = useState<NewRole>('user');
  const [text, setText] = useState(() => storage.get(key) ?? '');
  const replyTo = reader.replyTo.value;
  useEffect(() => {
    if (replyTo !== null) field.current?.focus();
  }, [replyTo]);
  useEffect(() => {
    const element = field.current!;
    element.style.height = 'auto';
    element.style.height = `${Math.min(element.scrollHeight, 320)}px`;
    storage.set(key, text);
  }, [text]);

  const send = () => {
    if (text.trim() === '') return;
    const { session } = reader;
    session.undo.stopCapturing();
    const parent = replyTo ?? reader.leaf();
    const id = addTurn(session.doc, {
      parent,
      role,
      text: text.trim(),
      author: identity.value,
      now: Date.now(),
    });
    session.undo.stopCapturing();
    session.view.flush();
    reader.follow(id);
    reader.replyTo.value = null;
    reader.active.value = id;
    setText('');
    requestAnimationFrame(() => turnElement(id)?.scrollIntoView({ block: 'nearest' }));
  };
  const target = replyTo === null ? undefined : reader.session.view.turns.get(replyTo);
  return (
    <form
      class="composer"
      aria-label="New turn"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div class="composer-card">
        {target && (
          <p class="composer-target">
            <span>
              A new branch below “
              {target.text.value.replace(/\s+/g, ' ').slice(0, 80) || 'this turn'}”
            </span>
            <button
              type="button"
              class="button quiet square"
              aria-label="Not a branch: write at the end"
              onClick={() => (reader.replyTo.value = null)}
            >
              <CloseIcon />
            </button>
          </p>
        )}
        <textarea
          ref={field}
          id="composer"
          rows={1}
          value={text}
          placeholder={
            role === 'note'
              ? 'A note to this conversation'
              : role === 'assistant'
                ? 'Words of the assistant'
                : 'Continue this conversation'
          }
          aria-label="Text of the new turn, Markdown"
          onInput={(event) => setText(event.currentTarget.value)}
          onFocus={() => reader.session.setPlace(null, false)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              send();
            } else if (event.key === 'Escape') {
              if (replyTo !== null) reader.replyTo.value = null;
              else event.currentTarget.blur();
            }
          }}
        />
        <div class="composer-foot">
          <Switch label="Written as" value={role} options={roles} onChange={setRole} />
          <button
            type="submit"
            class="button primary"
            disabled={text.trim() === ''}
            title="Add (Ctrl+Enter)"
          >
            Add turn
          </button>
        </div>
      </div>
    </form>
  );
}
