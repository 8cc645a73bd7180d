import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

/* A whole application comes, goes, and comes back. */
vi.setConfig({ testTimeout: 180_000 });

const demo = fileURLToPath(new URL('../../scripts/demo.ts', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-demo-test-'));
  await chmod(folder, 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface DemoRun {
  readonly status: number | null;
  readonly printed: string;
}

/** Runs it with a temporary folder of its own; `watch` sees what it has printed so far. */
async function runDemo(watch: (printed: string, end: () => void) => void = () => {}): Promise<DemoRun> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', demo], {
    /* What a user has set for a repository, a database or git of their own is none of the demo's business. */
    env: { ...process.env, TMPDIR: folder, NO_COLOR: '1', HOLDFAST_REPOSITORY: '/nowhere', PGHOST: '/nowhere', GIT_DIR: '/nowhere' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      watch(printed, () => child.kill('SIGTERM'));
    });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { status, printed };
}

test('a whole run proves the recovery, and leaves nothing behind', async () => {
  const isThere = existsSync('/mnt/offsite');
  const { status, printed } = await runDemo();
  expect(existsSync('/mnt/offsite')).toBe(isThere);
  expect({ status, printed }).toMatchObject({ status: 0 });
  expect(printed.trim().split('\n').at(-1)).toMatch(/^PROVED: 6 tables with \d{6} rows and 314 files are exactly as before\.$/);
  for (const words of ['backup -c', 'recover -r', 'check --read-data']) expect(printed).toContain(`$ holdfast ${words}`);
  expect(printed).toContain('northstar-timesheet: recovered: every step passed');
  expect(await readdir(folder)).toEqual([]);
});

test('a run that is ended half-way leaves nothing behind either, and has proved nothing', async () => {
  const { status, printed } = await runDemo((said, end) => said.includes('$ holdfast backup') && end());
  expect(status).toBe(143);
  expect(printed).not.toMatch(/^PROVED/m);
  expect(await readdir(folder)).toEqual([]);
});
