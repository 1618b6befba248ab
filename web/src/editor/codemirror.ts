import { defaultKeymap } from '@codemirror/commands';
import { markdownKeymap, markdownLanguage } from '@codemirror/lang-markdown';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorState } from '@codemirror/state';
import { drawSelection, EditorView, keymap } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next';
import type * as Y from 'yjs';
import type { Session } from '../doc/session';

const style = HighlightStyle.define([
  { tag: tags.heading, class: 'md-heading' },
  { tag: tags.strong, class: 'md-strong' },
  { tag: tags.emphasis, class: 'md-emphasis' },
  { tag: tags.monospace, class: 'md-code' },
  { tag: [tags.link, tags.url], class: 'md-link' },
  { tag: [tags.quote, tags.meta, tags.processingInstruction, tags.list], class: 'md-mark' },
]);

interface EditorOptions {
  host: HTMLElement;
  session: Session;
  ytext: Y.Text;
  label: string;
  onDone: () => void;
}

/** Opens an editor in `host`; the returned function closes it. Tab moves on, as everywhere; Escape and Ctrl+Enter leave. */
export function openEditor({ host, session, ytext, label, onDone }: EditorOptions): () => void {
  const finish = () => {
    onDone();
    return true;
  };
  const view = new EditorView({
    parent: host,
    state: EditorState.create({
      doc: ytext.toString(),
      selection: { anchor: ytext.length },
      extensions: [
        keymap.of([
          { key: 'Escape', run: finish },
          { key: 'Mod-Enter', run: finish },
          ...yUndoManagerKeymap,
          ...markdownKeymap,
          ...defaultKeymap,
        ]),
        markdownLanguage,
        syntaxHighlighting(style),
        drawSelection(),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          'aria-label': label,
          spellcheck: 'true',
          autocapitalize: 'sentences',
        }),
        yCollab(ytext, session.provider.awareness, { undoManager: session.undo }),
      ],
    }),
  });
  view.focus();
  return () => view.destroy();
}
