/** A page for people as what it shows: blocks of code under their headings, and in `sh` blocks the commands one by one. */

export interface Block {
  /** What stands behind the fence: `sh`, `console`, `text`, `json`, `ts`; empty where nothing does. */
  readonly language: string;
  /** The nearest heading above, without its marks. */
  readonly heading: string;
  readonly text: string;
  /** Of its first line of content, from 1. */
  readonly line: number;
}

export interface DocumentedCommand {
  /** Whole, with its continuation lines and its comment. */
  readonly text: string;
  readonly heading: string;
  readonly line: number;
  /** The exit status that the page promises: 0, or what the comment `# exit N` says. */
  readonly status: number;
}

/** Every fenced block, in order. */
export function readBlocks(page: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [at, line] of page.split('\n').entries()) {
    const [, language] = /^```(\S*)$/.exec(line) ?? [];
    if (open !== undefined && language === '') {
      blocks.push({ language: open.language, heading, text: open.lines.join('\n'), line: open.line });
      open = undefined;
    } else if (open !== undefined) open.lines.push(line);
    else if (language !== undefined) open = { language, line: at + 2, lines: [] };
    else heading = /^#+ (.+)$/.exec(line)?.[1] ?? heading;
  }
  if (open !== undefined) throw new Error(`The block that begins in line ${open.line} has no end.`);
  return blocks;
}

/** The commands of all `sh` blocks, in order. A line that is indented, or that ends an `if` or a loop, belongs to the command above it. */
export function readCommands(page: string): DocumentedCommand[] {
  return readBlocks(page)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text, heading, line }) => {
      const commands: { text: string; line: number }[] = [];
      for (const [at, words] of text.split('\n').entries()) {
        const last = commands.at(-1);
        if (words.trim() === '') continue;
        if (last !== undefined && (/^(\s|else$|fi$|done$)/.test(words) || last.text.endsWith('\\'))) last.text += `\n${words}`;
        else commands.push({ text: words, line: line + at });
      }
      return commands.map((command) => ({ ...command, heading, status: Number(/# exit (\d+)$/.exec(command.text)?.[1] ?? 0) }));
    });
}

/** The commands of `console` blocks, which nobody runs: what stands behind `$ `. */
export function readShownCommands(page: string): string[] {
  return readBlocks(page)
    .filter(({ language }) => language === 'console')
    .flatMap(({ text }) => text.split('\n').flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : [])));
}
