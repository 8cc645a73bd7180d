/** A page of headings, sentences, tables and commands, and how it is written as Markdown and as HTML. Pure. */

export interface Page {
  readonly title: string;
  readonly blocks: readonly Block[];
}

export type Block =
  | { readonly heading: string }
  | { readonly text: string }
  | { readonly list: readonly string[] }
  | { readonly numbered: readonly string[] }
  | { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly commands: readonly string[] };

export function renderMarkdown({ title, blocks }: Page): string {
  return `${[`# ${line(title)}`, ...blocks.map(blockAsMarkdown)].join('\n\n')}\n`;
}

function blockAsMarkdown(block: Block): string {
  if ('heading' in block) return `## ${line(block.heading)}`;
  if ('text' in block) return escapeMarkdown(block.text);
  if ('list' in block) return block.list.map((item) => `- ${escapeMarkdown(item)}`).join('\n');
  if ('numbered' in block) return block.numbered.map((item, index) => `${index + 1}. ${escapeMarkdown(item)}`).join('\n');
  if ('commands' in block) return fence(block.commands);
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => escapeMarkdown(cell).replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  return [row(block.head), `|${'---|'.repeat(block.head.length)}`, ...block.rows.map(row)].join('\n');
}

/** A name may hold backticks: the fence is longer than any run of them. */
function fence(commands: readonly string[]): string {
  const text = commands.map(line).join('\n');
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const marks = '`'.repeat(longest + 1);
  return `${marks}\n${text}\n${marks}`;
}

/** Names come from anywhere: none of them may become a heading, a link or HTML. */
function escapeMarkdown(text: string): string {
  return line(text).replaceAll(/[\\`*_[\]<>#]/g, String.raw`\$&`);
}

function line(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}

const style = `
body { font: 11pt/1.45 system-ui, sans-serif; color: #111; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 1.6rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #ccc; }
pre { background: #f4f4f2; padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
@media print { body { margin: 0; max-width: none; } h2, h2 + *, tr, pre { break-inside: avoid; } h2 { break-after: avoid; } pre { border: 1px solid #999; background: none; } }
`;

/** Stands alone: no scripts, nothing from elsewhere, made for paper. */
export function renderHtml({ title, blocks }: Page): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title><style>${style}</style></head><body>
<h1>${escapeHtml(title)}</h1>
${blocks.map(blockAsHtml).join('\n')}
</body></html>
`;
}

function blockAsHtml(block: Block): string {
  const items = (all: readonly string[]): string => all.map((item) => `<li>${escapeHtml(item)}</li>`).join('');
  if ('heading' in block) return `<h2>${escapeHtml(block.heading)}</h2>`;
  if ('text' in block) return `<p>${escapeHtml(block.text)}</p>`;
  if ('list' in block) return `<ul>${items(block.list)}</ul>`;
  if ('numbered' in block) return `<ol>${items(block.numbered)}</ol>`;
  if ('commands' in block) return `<pre>${block.commands.map((each) => escapeHtml(line(each))).join('\n')}</pre>`;
  const row = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${row(block.head, 'th')}${block.rows.map((cells) => row(cells, 'td')).join('')}</table>`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
