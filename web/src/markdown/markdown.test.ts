import { describe, expect, it } from 'vitest';
import { markCitations } from './citations';
import { createMarkdown } from './engine';

const md = createMarkdown();
const html = (text: string) => md.render(text).trim();

describe('Markdown', () => {
  it('escapes raw HTML and refuses links that run', () => {
    expect(html('<img src=x onerror=alert(1)>')).toBe('<p>&lt;img src=x onerror=alert(1)&gt;</p>');
    expect(html('[x](javascript:alert(1))')).not.toContain('href');
    expect(html('[x](data:text/html,x)')).not.toContain('href');
    expect(html('```"><script>\nx\n```')).not.toContain('<script');
  });

  it('makes links of foreign images', () => {
    expect(html('![a cat](https://example.com/cat.png)')).toBe(
      '<p><a href="https://example.com/cat.png">a cat</a></p>',
    );
  });

  it('keeps tables, code and lists', () => {
    expect(html('|a|b|\n|-|-|\n|1|2|')).toContain('<table>');
    expect(html('```cpp\nint x;\n```')).toContain('class="language-cpp">int x;');
    expect(html('1. one\n2. two')).toContain('<ol>');
  });
});

describe('TeX', () => {
  it('is found in all its brackets', () => {
    expect(html('\\(a_1 b_2\\)')).toBe('<p><span class="math">a_1 b_2</span></p>');
    expect(html('so $x^2$ is')).toBe('<p>so <span class="math">x^2</span> is</p>');
    expect(html('\\[\nE = mc^2\n\\]')).toBe('<div class="math math-display">E = mc^2</div>');
    expect(html('$$\na *b* c\n$$')).toBe('<div class="math math-display">a *b* c</div>');
    expect(html('in line $$x$$ too')).toContain('<span class="math math-display">x</span>');
    expect(html('- item\n  \\[\n  x\n  \\]')).toContain('<div class="math math-display">x</div>');
  });

  it('is escaped, and is not found in money, code or open brackets', () => {
    expect(html('$a<b$')).toContain('a&lt;b');
    expect(html('from $5 to $10 a day')).not.toContain('math');
    expect(html('`$x$`')).not.toContain('class="math"');
    expect(html('```\n$$x$$\n```')).not.toContain('class="math');
    expect(html('\\[ open')).not.toContain('math');
    expect(html('$$\nopen\n\nparagraph')).not.toContain('math');
  });
});

describe('citations', () => {
  it('become quiet', () => {
    expect(markCitations('said \ue200cite\ue202turn0search1\ue201.')).toBe('said.');
    expect(markCitations('said【4:0†source】.')).toBe('said.');
    expect(markCitations('said【4:0†paper.pdf】.')).toBe('said [paper.pdf].');
    expect(markCitations('plain')).toBe('plain');
  });
});
