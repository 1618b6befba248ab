import { useLayoutEffect, useRef } from 'preact/hooks';
import { applySplice } from '../doc/edit';
import type { Session } from '../doc/session';
import { moveCaret, spliceBetween } from '../lib/diff';
import { VisitorDots } from './Presence';

/** The title, edited where it stands and bound to its shared text. */
export function Title({ session }: { session: Session }) {
  const element = useRef<HTMLTextAreaElement>(null);
  const title = session.view.title.value;
  const ytext = session.doc.getText('title');

  const shown = useRef('');

  // The field is not controlled by the framework: others' edits must move the caret, not reset it.
  useLayoutEffect(() => {
    const field = element.current;
    if (!field || field.value === title) return;
    const splice = spliceBetween(field.value, title);
    const [start, end] = [field.selectionStart, field.selectionEnd];
    field.value = title;
    shown.current = title;
    if (splice && document.activeElement === field)
      field.setSelectionRange(moveCaret(start, splice), moveCaret(end, splice));
  }, [title]);

  const onInput = () => {
    const field = element.current!;
    const wanted = field.value.replace(/\s*\n\s*/g, ' ');
    if (wanted !== field.value) field.value = wanted;
    const splice = spliceBetween(shown.current, wanted, field.selectionStart);
    if (!splice) return;
    // An update of somebody else may be in the document but not yet in the field: the edit moves with it.
    const unseen = spliceBetween(shown.current, ytext.toString());
    shown.current = wanted;
    applySplice(
      ytext,
      unseen
        ? {
            ...splice,
            index: moveCaret(splice.index, unseen),
            remove: Math.min(splice.remove, ytext.length - moveCaret(splice.index, unseen)),
          }
        : splice,
    );
  };
  return (
    <div class="title" data-value={title || ' '}>
      <textarea
        ref={element}
        rows={1}
        class="title-field"
        aria-label="Title"
        placeholder="Untitled"
        spellcheck={false}
        onInput={onInput}
        onFocus={() => session.setPlace('title', true)}
        onBlur={() => session.setPlace(null, false)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' || event.key === 'Escape') {
            event.preventDefault();
            event.currentTarget.blur();
          }
        }}
      />
      <VisitorDots session={session} at="title" />
    </div>
  );
}
