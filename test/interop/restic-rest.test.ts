/** Repositories behind REST servers, rclone's and our own, that holdfast and stock restic use in turn. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { mainFile, makeWorkplace } from '../../src/cli/testing/run-holdfast.ts';
import { cheapenKey } from '../../src/engine/tree/testing/quick-restic.ts';
import { done, holdfast, password, restic, summaryOf } from '../harness/programs/run-programs.ts';
import { startRcloneRest } from '../harness/stores/rclone.ts';
import { compareTrees } from '../harness/trees/compare-trees.ts';
import { isLostByFormat, isLostByRestic, isMissedByRestic } from '../harness/trees/known-losses.ts';
import { changeTree } from '../harness/trees/change-tree.ts';
import { makeTree } from '../harness/trees/make-tree.ts';

/* A dozen runs of programs each. */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

/* The newest point is restic's. */
const isLost = (difference: string): boolean => isLostByFormat(difference) || isLostByRestic(difference) || isMissedByRestic(difference);

const place = await makeWorkplace();
const tree = place.path('tree');
beforeAll(async () => {
  await makeTree(tree, { seed: 'restic over rest' });
});
afterAll(() => place.remove());

interface Served {
  readonly url: string;
  /** What it serves. */
  readonly data: string;
  stop(): Promise<void>;
}

/** `holdfast serve rest` as a user starts it. */
async function serveOurs(data: string, ...words: string[]): Promise<Served> {
  mkdirSync(data, { recursive: true });
  const args = ['--disable-warning=ExperimentalWarning', mainFile, 'serve', 'rest', '--path', data, '--listen', '127.0.0.1:0', '--json'];
  const child = spawn(process.execPath, [...args, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [line] = (await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => {
      throw new Error('it ended at once');
    }),
  ])) as [Buffer];
  const { url } = JSON.parse(line.toString()) as { url: string };
  return {
    url: `rest:${url}`,
    data,
    stop: async () => {
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    },
  };
}

async function serveRclone(options: { readonly appendOnly?: boolean } = {}): Promise<Served> {
  const { port, data, stop } = await startRcloneRest(options);
  return { url: `rest:http://127.0.0.1:${port}/`, data, stop };
}

const ours = (url: string, ...words: string[]): ReturnType<typeof holdfast> =>
  holdfast(url, words, { env: { XDG_CACHE_HOME: place.path('cache') } });

describe.each([
  ['our own server', () => serveOurs(place.path('served'))],
  ['rclone', () => serveRclone()],
])('%s', (server, serve) => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
  });
  afterAll(() => served.stop());

  test.each(['holdfast', 'restic'])('a repository that %s made', async (maker) => {
    const url = `${served.url}by-${maker}/`;
    const theirs = (...words: string[]): ReturnType<typeof restic> => done(restic(url, words));
    if (maker === 'holdfast') await done(ours(url, 'repo', 'init'));
    else await theirs('init');
    await cheapenKey(join(served.data, `by-${maker}`, 'keys'), password);
    const added = summaryOf(await done(ours(url, 'backup', '--files', tree, '--json')));
    expect(added['data_blobs']).toBeGreaterThan(50);
    expect(summaryOf(await theirs('backup', tree, '--json'))).toMatchObject({ data_blobs: 0 });
    expect((await theirs('check', '--read-data')).stdout).toContain('no errors were found');
    const folders = { ours: place.path(`${server}-${maker}-ours`), theirs: place.path(`${server}-${maker}-theirs`) };
    await done(ours(url, 'restore', 'latest', '--target', folders.ours));
    expect(compareTrees(tree, `${folders.ours}${tree}`).filter((difference) => !isLost(difference))).toEqual([]);
    await theirs('restore', 'latest', '--target', folders.theirs);
    expect(compareTrees(tree, `${folders.theirs}${tree}`).filter((difference) => !isLost(difference))).toEqual([]);
    await theirs('forget', '--keep-last', '1', '--prune', '--max-unused', '0');
    expect(summaryOf(await done(ours(url, 'check', '--read-data', '--json')))).toMatchObject({ num_errors: 0 });
    await done(ours(url, 'prune', '--keep-last', '1', '--yes'));
    // The folder behind the server is an ordinary repository.
    expect((await done(restic(`${served.data}/by-${maker}`, ['check']))).stdout).toContain('no errors were found');
  });
});

describe.each([
  ['our own server', () => serveOurs(place.path('append-only'), '--append-only')],
  ['rclone', () => serveRclone({ appendOnly: true })],
])('%s, append-only', (server, serve) => {
  const changing = place.path(`changing-${server}`);
  let served: Served;
  beforeAll(async () => {
    served = await serve();
    await makeTree(changing, { seed: server });
  });
  afterAll(() => served.stop());

  test('both programs add points, neither takes any away, and who owns the folder may', async () => {
    const url = `${served.url}app/`;
    await done(ours(url, 'repo', 'init'));
    await cheapenKey(join(served.data, 'app', 'keys'), password);
    await done(ours(url, 'backup', '--files', changing));
    changeTree(changing);
    await done(restic(url, ['backup', changing]));
    await done(ours(url, 'backup', '--files', changing));
    const refused = await ours(url, 'prune', '--keep-last', '1', '--yes');
    expect(refused.stdout + refused.stderr).toContain('append-only');
    const folder = `${served.data}/app`;
    expect(JSON.parse((await done(restic(folder, ['snapshots', '--json', '--no-lock']))).stdout)).toHaveLength(3);
    expect((await done(restic(folder, ['check', '--read-data', '--no-lock']))).stdout).toContain('no errors were found');
    await done(holdfast(folder, ['unlock', '--remove-all']));
    await done(holdfast(folder, ['prune', '--keep-last', '1', '--yes']));
    expect(JSON.parse((await done(restic(folder, ['snapshots', '--json', '--no-lock']))).stdout)).toHaveLength(1);
  });
});
