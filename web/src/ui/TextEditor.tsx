import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type * as Y from 'yjs';
import type { Session } from '../doc/session';
import { toastError } from './toasts';

type EditorModule = typeof import('../editor/codemirror');

const editor = signal<EditorModule | null>(null);

export function preloadEditor(): void {
  if (editor.value) return;
  import('../editor/codemirror').then((module) => {
    editor.value = module;
  }, toastError);
}

/** The Markdown source of a turn, bound to its shared text: others' cursors and edits appear as they come. */
export function TextEditor({
  session,
  ytext,
  onDone,
  label,
}: {
  session: Session;
  ytext: Y.Text;
  onDone: () => void;
  label: string;
}) {
  const host = useRef<HTMLDivElement>(null);
  const done = useRef(onDone);
  done.current = onDone;
  const module = editor.value;
  useEffect(() => {
    if (!module) {
      preloadEditor();
      return undefined;
    }
    return module.openEditor({
      host: host.current!,
      session,
      ytext,
      label,
      onDone: () => done.current(),
    });
  }, [module, session, ytext]);
  return (
    <div class="editor" ref={host}>
      {!module && <p class="editor-wait">Opening the editor…</p>}
    </div>
  );
}
