import { signal } from '@preact/signals';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { copyText } from '../ui/clipboard';

type Engine = typeof import('./engine');
type Highlighter = typeof import('./highlight');
type Maths = typeof import('./katex');

const engine = signal<Engine | null>(null);
const highlighter = signal<Highlighter | null>(null);
const maths = signal<Maths | null>(null);
const started = new Set<string>();

/** Loads a part of the renderer once; a failed load may be tried again later. */
function load<T>(name: string, target: { value: T | null }, get: () => Promise<T>): void {
  if (started.has(name)) return;
  started.add(name);
  get().then(
    (module) => {
      target.value = module;
    },
    () => started.delete(name),
  );
}

export function preloadMarkdown(): void {
  load('engine', engine, () => import('./engine'));
}

/** Markdown as safe HTML, with code colours and formulas added as their parts of the app arrive. */
export function Markdown({ text }: { text: string }) {
  preloadMarkdown();
  const element = useRef<HTMLDivElement>(null);
  const html = useMemo(() => engine.value?.renderMarkdown(text) ?? null, [text, engine.value]);
  const [colours, formulas] = [highlighter.value, maths.value];
  useLayoutEffect(() => {
    if (html !== null && element.current) decorate(element.current, colours, formulas);
  }, [html, colours, formulas]);
  if (html === null) return <div class="prose prose-plain">{text}</div>;
  return (
    <div class="prose" ref={element} onClick={onClick} dangerouslySetInnerHTML={{ __html: html }} />
  );
}

function onClick(event: MouseEvent): void {
  const button = (event.target as Element).closest<HTMLButtonElement>('button[data-copy]');
  if (!button) return;
  const code = button.closest('figure')?.querySelector('code')?.textContent ?? '';
  void copyText(code).then((ok) => {
    button.textContent = ok ? 'Copied' : 'Not copied';
    setTimeout(() => (button.textContent = 'Copy'), 1500);
  });
}

function decorate(element: HTMLElement, colours: Highlighter | null, formulas: Maths | null): void {
  const codes = element.querySelectorAll<HTMLElement>(
    'pre > code[class*="language-"]:not([data-done])',
  );
  if (codes.length > 0 && !colours) load('highlight', highlighter, () => import('./highlight'));
  if (colours) for (const code of codes) colour(code, colours);
  const marks = element.querySelectorAll<HTMLElement>('.math:not([data-done])');
  if (marks.length > 0 && !formulas) load('katex', maths, () => import('./katex'));
  if (formulas) {
    for (const mark of marks) {
      const html = formulas.renderMath(
        mark.textContent ?? '',
        mark.classList.contains('math-display'),
      );
      mark.innerHTML = html;
      mark.dataset['done'] = '';
    }
  }
}

function colour(code: HTMLElement, colours: Highlighter): void {
  const name = /(?:^|\s)language-(\S+)/.exec(code.className)?.[1] ?? '';
  const html = colours.highlight(code.textContent ?? '', name.toLowerCase());
  if (html !== null) code.innerHTML = html;
  code.dataset['done'] = '';
}

/** Code outside Markdown: what an assistant wrote for a tool, a tool's output, raw JSON. */
export function Code({ text, language = '' }: { text: string; language?: string }) {
  const element = useRef<HTMLElement>(null);
  const colours = highlighter.value;
  useLayoutEffect(() => {
    const code = element.current;
    if (!code) return;
    if (!colours) {
      if (language !== '') load('highlight', highlighter, () => import('./highlight'));
      code.textContent = text;
      return;
    }
    const html = colours.highlight(text, language.toLowerCase());
    if (html === null) code.textContent = text;
    else code.innerHTML = html;
  }, [text, language, colours]);
  return (
    <figure class="code" onClick={onClick}>
      <figcaption>
        <span>{language || 'text'}</span>
        <button type="button" class="copy-code" data-copy="">
          Copy
        </button>
      </figcaption>
      <pre tabIndex={0}>
        <code ref={element} />
      </pre>
    </figure>
  );
}
