/**
 * kill -9 at any moment of a backup, a prune, a copy: the repository stays sound for restic, the next run of the same command succeeds with
 * nothing repaired, and everything saved before comes back. HOLDFAST_KILLS says how many (200 by default), HOLDFAST_SEED repeats a run.
 */
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeWorkplace } from '../../src/cli/testing/run-holdfast.ts';
import { openQuickRepository, createQuickRepository } from '../harness/repositories/quick-repository.ts';
import { loadSnapshots } from '../../src/engine/snapshots/load-snapshots.ts';
import { done, holdfast, judge } from '../harness/programs/run-programs.ts';
import { seededBelow } from '../harness/trees/seeded-bytes.ts';
import { killRun, measureRun, type Moment } from './kill-run.ts';
import { idsIn, KnownPoints } from './known-points.ts';
import { changeSmallTree, makeSmallTree } from './small-tree.ts';

const kills = Number(process.env['HOLDFAST_KILLS'] ?? 200);
const seed = process.env['HOLDFAST_SEED'] ?? randomBytes(4).toString('hex');
const shares = { backup: Math.ceil(kills * 0.3), prune: Math.ceil(kills * 0.4), copy: Math.ceil(kills * 0.3) };
const patience = 15 * 60_000;

const place = await makeWorkplace();
const base = place.path('base');
const basePoints = new KnownPoints(place.path('base-tree'));
const keepTwo = ['prune', '--keep-last', '2', '--max-unused', '0', '--yes'];
afterAll(() => place.remove());

/** Four points that share much, for prune and copy to begin with. */
beforeAll(async () => {
  await createQuickRepository(base);
  makeSmallTree(basePoints.tree, 'base');
  for (let round = 0; round < 4; round++) {
    if (round > 0) changeSmallTree(basePoints.tree, `base ${round}`);
    await done(holdfast(base, ['backup', '--files', basePoints.tree]));
    await basePoints.learn(base);
  }
});

/** A run that is killed again and again. */
interface Target {
  readonly name: string;
  readonly words: readonly string[];
  /** Prepares the next round. Returns the repository. */
  prepare(round: number): Promise<string>;
  /** What must hold of a repository: after a kill, and again after the run that followed. */
  verify(repository: string, state: { readonly round: number; readonly finished: boolean }): Promise<void>;
}

/** Half of the kills come at a random time of the usual run, half at a random change in the repository. */
async function killAgainAndAgain(target: Target, times: number): Promise<void> {
  const usual = await measureRun(await target.prepare(0), target.words);
  let atWork = 0;
  for (let round = 1, killed = 0; killed < times; round++) {
    if (round > times * 4) throw new Error(`only ${killed} of ${times} runs were still running when they were to be killed`);
    const repository = await target.prepare(round);
    const share = seededBelow(`${seed} ${target.name} ${round}`, 10_000) / 10_000;
    const moment: Moment =
      round % 2 === 0 ? { milliseconds: share * usual.milliseconds } : { changes: 1 + Math.floor(share * usual.changes) };
    try {
      if (await killRun(repository, target.words, moment)) {
        killed += 1;
        if (locksIn(repository).length > 0) atWork += 1;
      }
      await judge(repository, round % 10 === 0 ? ['--read-data'] : []);
      await target.verify(repository, { round, finished: false });
      await done(holdfast(repository, target.words));
      await judge(repository, []);
      await target.verify(repository, { round, finished: true });
      expect(locksIn(repository)).toEqual([]);
    } catch (error) {
      throw new Error(`${target.name}, round ${round}, kill at ${JSON.stringify(moment)}, seed ${seed}: ${String(error)}`, {
        cause: error,
      });
    }
  }
  // A kill before the work begins, or after, proves little.
  expect(atWork, `of ${times} kills of ${target.name}`).toBeGreaterThanOrEqual(times / 3);
}

test.concurrent(`${shares.backup} kills of a backup (seed ${seed})`, { timeout: patience }, async () => {
  const repository = place.path('backup');
  const points = new KnownPoints(place.path('backup-tree'));
  await createQuickRepository(repository);
  makeSmallTree(points.tree, seed);
  await killAgainAndAgain(
    {
      name: 'backup',
      words: ['backup', '--files', points.tree],
      prepare: async (round) => {
        if (round > 0) await points.learn(repository);
        changeSmallTree(points.tree, `${seed} ${round}`);
        return repository;
      },
      verify: async (_, { round, finished }) => {
        const before = points.ids.length;
        await points.learn(repository);
        if (finished) expect(points.ids.length).toBeGreaterThan(before);
        const chosen = points.ids[seededBelow(`${seed} restore ${round}`, points.ids.length)];
        if (chosen !== undefined && !finished) await points.verify(repository, chosen);
      },
    },
    shares.backup,
  );
  await judge(repository);
  for (const id of points.ids) await points.verify(repository, id);
});

test.concurrent(`${shares.prune} kills of a prune (seed ${seed})`, { timeout: patience }, async () => {
  const repository = place.path('prune');
  const kept = (await newestOf(base)).slice(0, 2);
  await killAgainAndAgain(
    {
      name: 'prune',
      words: keepTwo,
      prepare: async () => copyOf(base, repository),
      verify: async (_, { round, finished }) => {
        const there = await idsIn(repository);
        expect(there).toEqual(expect.arrayContaining(kept));
        if (finished) expect(there).toHaveLength(2);
        const chosen = there[seededBelow(`${seed} prune ${round}`, there.length)];
        if (chosen !== undefined) await basePoints.verify(repository, chosen);
      },
    },
    shares.prune,
  );
  await judge(repository);
  for (const id of kept) await basePoints.verify(repository, id);
});

test.concurrent(`${shares.copy} kills of a copy (seed ${seed})`, { timeout: patience }, async () => {
  const [from, repository, empty] = [place.path('copy-from'), place.path('copy'), place.path('empty')];
  copyOf(base, from);
  await createQuickRepository(empty, { polynomial: (await openQuickRepository(base)).config.polynomial });
  await killAgainAndAgain(
    {
      name: 'copy',
      words: ['copy', '--from-repo', from],
      prepare: async () => copyOf(empty, repository),
      verify: async (_, { round, finished }) => {
        const copies = await originalsIn(repository);
        if (finished) expect([...copies.values()].toSorted()).toEqual(basePoints.ids.toSorted());
        const chosen = [...copies][seededBelow(`${seed} copy ${round}`, Math.max(1, copies.size))];
        if (chosen !== undefined) await basePoints.verify(repository, ...chosen);
      },
    },
    shares.copy,
  );
  await judge(repository);
  await judge(from);
  for (const [id, original] of await originalsIn(repository)) await basePoints.verify(repository, id, original);
});

/** The folder is made with the first lock. */
function locksIn(repository: string): string[] {
  const folder = join(repository, 'locks');
  return existsSync(folder) ? readdirSync(folder) : [];
}

function copyOf(from: string, to: string): string {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
  return to;
}

/** Ids of all snapshots, the newest first. */
async function newestOf(path: string): Promise<string[]> {
  const repository = await openQuickRepository(path);
  return (await loadSnapshots(repository)).map(({ id }) => id).toReversed();
}

/** Ids of copies, and of what they are copies of. */
async function originalsIn(path: string): Promise<Map<string, string>> {
  const repository = await openQuickRepository(path);
  return new Map((await loadSnapshots(repository)).map(({ id, snapshot }) => [id, snapshot.original ?? id]));
}
