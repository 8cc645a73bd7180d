import { expect, test } from 'vitest';
import { renderHtml, renderMarkdown, type Page } from './page.ts';

const hostile = 'a <script>alert(1)</script> `b` | [c](http://x) *d*\n# e';
const page: Page = {
  title: 'Recovery of <shop>\nnow',
  blocks: [
    { heading: 'One\n# two' },
    { text: hostile },
    { list: [hostile, 'plain'] },
    { numbered: ['first', 'second'] },
    { head: ['name'], rows: [[hostile]] },
    { commands: ['echo ```', 'rm -rf ./x\necho two'] },
  ],
};

test('as Markdown no name becomes a heading, a link, HTML or another cell', () => {
  const text = renderMarkdown(page);
  expect(text.split('\n').filter((line) => line.startsWith('#'))).toEqual(['# Recovery of <shop> now', '## One # two']);
  expect(text).toContain(String.raw`\<script\>`);
  expect(text).toContain(String.raw`\[c\](http://x)`);
  expect(text.split('\n').filter((line) => line.startsWith('|'))).toHaveLength(3);
  expect(text).toContain('````\necho ```\nrm -rf ./x echo two\n````');
  expect(text).toContain('1. first\n2. second');
});

test('as HTML everything is text', () => {
  const html = renderHtml(page);
  expect(html).not.toContain('<script');
  expect(html).toContain('&lt;script&gt;');
  expect(html).toContain('<li>plain</li>');
  expect(html).toContain('<pre>echo ```\nrm -rf ./x echo two</pre>');
  expect(html).toContain("default-src 'none'");
});
