import katex from 'katex';
import 'katex/dist/katex.min.css';

const kept = new Map<string, string>();
const keptMax = 2_000;

/** HTML of a formula. KaTeX trusts nothing here: no links, no HTML, bounded macros. A broken formula shows its source. */
export function renderMath(tex: string, display: boolean): string {
  const key = `${display ? 'd' : 'i'}${tex}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const html = katex.renderToString(tex, {
    displayMode: display,
    throwOnError: false,
    trust: false,
    strict: 'ignore',
    maxExpand: 500,
    maxSize: 20,
  });
  if (kept.size >= keptMax) kept.clear();
  kept.set(key, html);
  return html;
}
