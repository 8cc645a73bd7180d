/**
 * What the pages tell people to type works. Every command in a block fenced as `sh` is run for real, in order, in a fresh folder for each
 * page; it must end with status 0, or with the one that its comment `# exit N` promises. Output that is shown is not compared, but for the
 * JSON examples: each must look like a record that was really printed.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { projectRoot } from '../../scripts/run-program.ts';
import { loadCommands } from '../../src/cli/command-list.ts';
import { globalOptions } from '../../src/cli/global-options.ts';
import { createProgress } from '../../src/cli/print/progress.ts';
import { readBlocks, readCommands, readShownCommands } from './documents/read-document.ts';
import { makeSandbox, type CommandEnd, type Sandbox } from './documents/sandbox.ts';

const generated = ['docs/commands.md', 'docs/errors.md'];
const pages = ['README.md', ...globSync('docs/*.md', { cwd: projectRoot }).toSorted()].filter((page) => !generated.includes(page));

/** What must have happened before the first command below a heading. */
const accidents: Readonly<Record<string, (sandbox: Sandbox) => Promise<void>>> = {
  'docs/repositories.md: A lock is stale': (sandbox) => sandbox.leaveStaleLock(),
  'docs/repositories.md: A pack is damaged, or gone': (sandbox) => sandbox.damagePack(),
  'docs/repositories.md: The index is damaged or gone': (sandbox) => sandbox.loseIndex(),
  'docs/scripting.md: `unlock`, `repo`, `key`, `version`': (sandbox) => sandbox.leaveStaleLock(),
};

/** Commands that are shown and not run: they need a clone, minutes, or a shell of somebody's own. npm's scripts are looked up. */
const shownOnly = new Set([
  'npm run demo',
  'npm test',
  'npm run bench',
  'npm run lint',
  'npm run build',
  'npm install ../holdfast',
  'export PATH="$PWD:$PATH"',
  'holdfast completion bash > ~/.local/share/bash-completion/completions/holdfast',
  'holdfast completion zsh > ~/.zfunc/_holdfast',
  'holdfast completion fish > ~/.config/fish/completions/holdfast.fish',
]);

const recordSchema = z.looseObject({ message_type: z.string() });
type JsonRecord = z.infer<typeof recordSchema>;

describe.concurrent('the commands', () => {
  test.for(pages)('of %s work, and its JSON is real', { timeout: 300_000 }, async (page, { expect: check }) => {
    const text = read(page);
    const { wrong, ends } = await runPage(page, text);
    check(wrong).toEqual([]);
    const examples = jsonExamples(text);
    if (examples.length === 0) return;
    const real = [...ends.flatMap(({ stdout, stderr }) => [...recordsIn(stdout), ...recordsIn(stderr)]), ...(await statusRecords())];
    check(examples.filter((example) => !real.some((record) => isLike(example, record)))).toEqual([]);
  });
});

test.each(pages)('%s shows no command that nobody looks after', (page) => {
  const text = read(page);
  const blocks = readBlocks(text);
  expect(
    blocks.map(({ language }) => language).filter((language) => !['sh', 'console', 'text', 'json', 'ts', 'yaml'].includes(language)),
  ).toEqual([]);
  expect(readShownCommands(text).filter((command) => !shownOnly.has(command))).toEqual([]);
  const plain = blocks.filter(({ language }) => language === 'text').flatMap((block) => block.text.split('\n'));
  expect(plain.filter((line) => /^(\.\/)?holdfast /.test(line))).toEqual([]);
});

test('npm scripts that are shown exist', () => {
  const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));
  const named = [...shownOnly].flatMap((command) => /^npm (?:run )?(demo|test|bench|lint|build)$/.exec(command)?.[1] ?? []);
  expect(named).toHaveLength(5);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test.each(pages)('options named in the text of %s exist', async (page) => {
  const known = new Set(
    [...globalOptions, ...(await loadCommands()).flatMap(({ options = [] }) => options)].flatMap(
      ({ flags }) => flags.match(/--[a-z-]+/g) ?? [],
    ),
  );
  const named = [...read(page).matchAll(/`(--[a-z][a-z-]*)(?=[ `])/g)].map((match) => match[1] ?? '');
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

test('the code that docs/library.md shows is in the example, which test/e2e runs', () => {
  const example = read('examples/library/back-up-a-folder.ts');
  const shown = readBlocks(read('docs/library.md')).filter(({ language }) => language === 'ts');
  expect(shown.length).toBeGreaterThan(0);
  expect(shown.filter(({ text }) => !example.includes(text))).toEqual([]);
});

describe('a command', () => {
  test('promises 0, or what its comment says; indented lines belong to it', () => {
    const page = '# T\n\n## One\n```sh\na b\nif x; then\n  y\nfi\n\nc  # exit 12\n```\n```text\nno\n```\n';
    expect(readCommands(page)).toEqual([
      { text: 'a b', heading: 'One', line: 5, status: 0 },
      { text: 'if x; then\n  y\nfi', heading: 'One', line: 6, status: 0 },
      { text: 'c  # exit 12', heading: 'One', line: 10, status: 12 },
    ]);
  });

  test('that fails is found, and so is one that does not fail as promised', async () => {
    const page = '```sh\nV=set\ntest "$V" = set\nfalse\nholdfast version # exit 3\n```\n';
    const { wrong } = await runPage('a page', page);
    expect(wrong).toHaveLength(2);
    expect(wrong[0]).toMatch(/^line 4: false\nended with 1 and not with 0/);
    expect(wrong[1]).toMatch(/^line 5: .*\nended with 0 and not with 3/);
  });
});

function read(path: string): string {
  return readFileSync(join(projectRoot, path), 'utf8');
}

/** Runs the commands of a page in order; those that do not end as promised, with what they said. Later ones are run all the same. */
async function runPage(page: string, text: string): Promise<{ readonly wrong: readonly string[]; readonly ends: readonly CommandEnd[] }> {
  const commands = readCommands(text);
  const isNamed = (address: string): boolean => commands.some((command) => command.text.includes(address));
  const sandbox = await makeSandbox({ postgres: isNamed('postgresql://'), s3: isNamed('s3://') });
  const wrong: string[] = [];
  const ends: CommandEnd[] = [];
  const happened = new Set<string>();
  try {
    for (const command of commands) {
      const place = `${page}: ${command.heading}`;
      if (!happened.has(place)) await accidents[place]?.(sandbox);
      happened.add(place);
      const end = await sandbox.run(command.text);
      ends.push(end);
      if (end.status !== command.status)
        wrong.push(
          `line ${command.line}: ${command.text}\nended with ${end.status} and not with ${command.status}\n${end.stdout}${end.stderr}`,
        );
    }
  } finally {
    await sandbox.remove();
  }
  const missed = Object.keys(accidents).filter((place) => place.startsWith(`${page}: `) && !happened.has(place));
  return { wrong: [...wrong, ...missed.map((place) => `there are no commands below "${place}"`)], ends };
}

function jsonExamples(text: string): JsonRecord[] {
  return readBlocks(text)
    .filter(({ language }) => language === 'json')
    .flatMap((block) => block.text.split('\n').map((line) => recordSchema.parse(JSON.parse(line))));
}

function recordsIn(output: string): JsonRecord[] {
  return output.split('\n').flatMap((line) => (line.startsWith('{"message_type"') ? [recordSchema.parse(JSON.parse(line))] : []));
}

/** Of the same type, and with every field that the example has. */
function isLike(example: JsonRecord, real: JsonRecord): boolean {
  return example.message_type === real.message_type && Object.keys(example).every((name) => name in real);
}

/** `status` comes once a second, and nothing here takes so long: the printer is asked for one. */
async function statusRecords(): Promise<JsonRecord[]> {
  const [stdout, stderr] = [new PassThrough({ encoding: 'utf8' }), new PassThrough()];
  let calls = 0;
  const clock = { now: () => new Date(3000 * calls++) };
  const progress = createProgress({ json: true, quiet: false, done: 'done', stdout, stderr, clock });
  progress.events({ type: 'progress', phase: 'read', itemsDone: 1, bytesDone: 1 });
  const line: unknown = await new Promise((resolve) => stdout.once('data', resolve));
  progress.end();
  return recordsIn(String(line));
}
