import type MarkdownIt from 'markdown-it';

/**
 * TeX in Markdown: `\( \)`, `$ $`, `\[ \]`, `$$ $$`. Only marks the places, as `<span class="math" ...>` with the TeX as
 * its text; KaTeX is loaded when one of them comes to the screen. Texts without TeX never pay for it.
 */
export function mathPlugin(md: MarkdownIt): void {
  // Before `escape`, which would take the backslash of `\(` away.
  md.inline.ruler.before('escape', 'math_inline', (state, silent) => {
    const found = findInline(state.src, state.pos, state.posMax);
    if (!found) return false;
    if (!silent) {
      const token = state.push(found.display ? 'math_display' : 'math_inline', 'span', 0);
      token.content = found.tex;
    }
    state.pos = found.end;
    return true;
  });
  md.block.ruler.before(
    'fence',
    'math_block',
    (state, startLine, endLine, silent) => {
      if (state.sCount[startLine]! - state.blkIndent >= 4) return false;
      const begin = state.bMarks[startLine]! + state.tShift[startLine]!;
      const opener = state.src.startsWith('$$', begin)
        ? '$$'
        : state.src.startsWith('\\[', begin)
          ? '\\['
          : null;
      if (opener === null) return false;
      const closer = opener === '$$' ? '$$' : '\\]';
      for (let line = startLine; line < endLine; line++) {
        const from = line === startLine ? begin + 2 : state.bMarks[line]! + state.tShift[line]!;
        const until = state.eMarks[line]!;
        if (line > startLine && state.sCount[line]! < state.blkIndent) return false;
        const close = state.src.indexOf(closer, from);
        if (close === -1 || close + 2 > until) continue;
        if (state.src.slice(close + 2, until).trim() !== '') return false;
        if (silent) return true;
        const token = state.push('math_display', 'div', 0);
        token.block = true;
        token.content = state
          .getLines(startLine, line + 1, state.blkIndent, false)
          .trim()
          .slice(2, -2)
          .trim();
        token.map = [startLine, line + 1];
        state.line = line + 1;
        return true;
      }
      return false;
    },
    { alt: ['paragraph', 'reference', 'blockquote', 'list'] },
  );
  const { escapeHtml } = md.utils;
  md.renderer.rules['math_inline'] = (tokens, index) =>
    `<span class="math">${escapeHtml(tokens[index]!.content)}</span>`;
  md.renderer.rules['math_display'] = (tokens, index) => {
    const { block, content } = tokens[index]!;
    const tag = block ? 'div' : 'span';
    return `<${tag} class="math math-display">${escapeHtml(content)}</${tag}>`;
  };
}

interface Found {
  tex: string;
  end: number;
  display: boolean;
}

function findInline(src: string, pos: number, max: number): Found | null {
  if (src.startsWith('\\(', pos)) return delimited(src, pos, max, '\\)', false);
  if (src.startsWith('\\[', pos)) return delimited(src, pos, max, '\\]', true);
  if (src.startsWith('$$', pos)) return delimited(src, pos, max, '$$', true);
  return src[pos] === '$' ? dollars(src, pos, max) : null;
}

function delimited(
  src: string,
  pos: number,
  max: number,
  closer: string,
  display: boolean,
): Found | null {
  const close = src.indexOf(closer, pos + 2);
  if (close === -1 || close >= max) return null;
  const tex = src.slice(pos + 2, close).trim();
  return tex === '' ? null : { tex, end: close + 2, display };
}

/** `$x$`, but not "$5 and $10": no space inside the dollars, no digit after the second. */
function dollars(src: string, pos: number, max: number): Found | null {
  if (pos + 1 >= max || /\s/.test(src[pos + 1]!)) return null;
  for (let at = pos + 1; at < max; at++) {
    if (src[at] === '\\') at++;
    else if (src[at] === '$') {
      const isEnd = at > pos + 1 && !/\s/.test(src[at - 1]!) && !/\d/.test(src[at + 1] ?? '');
      return isEnd ? { tex: src.slice(pos + 1, at), end: at + 1, display: false } : null;
    }
  }
  return null;
}
