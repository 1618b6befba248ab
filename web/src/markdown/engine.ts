import DOMPurify from 'dompurify';
import MarkdownIt from 'markdown-it';
import { markCitations } from './citations';
import { mathPlugin } from './math';

/** Markdown to HTML as text; nothing of a browser is needed. Raw HTML in the source is escaped, never passed on. */
export function createMarkdown(): MarkdownIt {
  const md = new MarkdownIt({ html: false, linkify: true, typographer: false, breaks: false });
  md.use(mathPlugin);
  md.renderer.rules['fence'] = (tokens, index) => {
    const token = tokens[index]!;
    return codeBlock(md, token.content, token.info.trim().split(/\s+/)[0] ?? '');
  };
  md.renderer.rules['code_block'] = (tokens, index) => codeBlock(md, tokens[index]!.content, '');
  md.renderer.rules['table_open'] = () =>
    '<div class="table-scroll" tabindex="0" role="region" aria-label="Table"><table>';
  md.renderer.rules['table_close'] = () => '</table></div>';
  // An image of a foreign server would tell it who reads this: it becomes a link.
  md.renderer.rules['image'] = (tokens, index) => {
    const token = tokens[index]!;
    const source = String(token.attrGet('src') ?? '');
    return `<a href="${md.utils.escapeHtml(source)}">${md.utils.escapeHtml(token.content || source)}</a>`;
  };
  return md;
}

function codeBlock(md: MarkdownIt, code: string, language: string): string {
  const { escapeHtml } = md.utils;
  const name = escapeHtml(language);
  const head = `<figcaption><span>${name || 'text'}</span><button type="button" class="copy-code" data-copy="">Copy</button></figcaption>`;
  return `<figure class="code">${head}<pre tabindex="0"><code class="language-${name}">${escapeHtml(code)}</code></pre></figure>\n`;
}

const markdown = createMarkdown();
let hooked = false;

/** Safe HTML of Markdown. Sanitised again although the renderer makes nothing unsafe: two walls. */
export function renderMarkdown(text: string): string {
  if (!hooked) {
    hooked = true;
    DOMPurify.addHook('afterSanitizeAttributes', (node) => {
      if (node.tagName !== 'A') return;
      node.setAttribute('target', '_blank');
      node.setAttribute('rel', 'noopener noreferrer nofollow');
    });
  }
  return DOMPurify.sanitize(markdown.render(markCitations(text)), {
    USE_PROFILES: { html: true },
    FORBID_TAGS: ['form', 'input', 'style', 'iframe', 'video', 'audio', 'img'],
    FORBID_ATTR: ['style', 'id', 'name'],
  });
}
