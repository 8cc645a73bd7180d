/** Two hosts that back up and a third that prunes, all at once, in a repository anywhere; and whether a point was lost. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mapConcurrently } from '../../src/engine/concurrency.ts';
import { openRepository, type Repository } from '../../src/engine/repository.ts';
import { loadSnapshots } from '../../src/engine/snapshots/load-snapshots.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { done, password, restic } from '../harness/programs/run-programs.ts';
import { restoreSnapshot } from '../harness/repositories/restore-in-process.ts';
import { noiseBytes, seededBelow } from '../harness/trees/seeded-bytes.ts';
import { startOnHost } from './foreign-host.ts';
import { changeSmallTree, digestOf, makeSmallTree } from './small-tree.ts';

export interface HostsPlay {
  /** As holdfast is told it, and as restic is where that differs. */
  readonly address: string;
  readonly resticAddress?: string;
  /** Credentials, for both programs. */
  readonly env?: Readonly<Record<string, string>>;
  /** For the trees and what is restored. */
  readonly folder: string;
  readonly rounds: number;
  readonly seed: string;
}

const hosts = ['alpha', 'beta'];
const backupsARound = 3;
const kept = 2;
const waiting = ['--wait-lock', '4m'];
const prune = ['prune', '--keep-last', String(kept), '--max-unused', '0', '--yes', ...waiting];

/** How often each was done. */
export interface PlayedHosts {
  readonly backups: number;
  readonly prunes: number;
}

/**
 * Plays all rounds in an existing repository. Throws where a run fails, a point that must be there is gone, any point comes back other than it
 * was saved, or restic finds anything wrong.
 */
export async function playHosts(play: HostsPlay): Promise<PlayedHosts> {
  const saved = new Map<string, string>();
  const newest = new Map<string, string[]>(hosts.map((host) => [host, []]));
  let prunes = 0;
  for (const host of hosts) makeTree(play, host);
  for (let round = 0; round < play.rounds; round += 1) {
    let working = hosts.length;
    const backUp = async (host: string): Promise<void> => {
      for (let turn = 0; turn < backupsARound; turn += 1) {
        const id = await backUpOnce(play, host, `${play.seed} ${round} ${turn}`);
        if (saved.has(id)) throw new Error(`${host} has saved nothing new in round ${round}`);
        saved.set(id, digestOf(treeOf(play, host)));
        newest.get(host)?.push(id);
        // Whoever prunes needs a moment in which nobody else is at work.
        await sleep(seededBelow(`${play.seed} ${host} ${round} ${turn}`, 1500));
      }
      working -= 1;
    };
    const pruneAlways = async (): Promise<void> => {
      do {
        await run(play, 'gamma', prune);
        prunes += 1;
      } while (working > 0);
    };
    await Promise.all([...hosts.map(backUp), pruneAlways()]);
    const wanted = hosts.flatMap((host) => newest.get(host)?.slice(-kept) ?? []);
    await verify(play, saved, wanted);
  }
  await judge(play, ['--read-data']);
  return { backups: saved.size, prunes };
}

const treeOf = ({ folder }: HostsPlay, host: string): string => join(folder, `tree-of-${host}`);

/** Trees that have much in common, and something of their own. */
function makeTree(play: HostsPlay, host: string): void {
  mkdirSync(treeOf(play, host), { recursive: true });
  makeSmallTree(treeOf(play, host), 'common');
  writeFileSync(join(treeOf(play, host), 'own'), noiseBytes(`${play.seed} ${host}`, 800_000));
}

async function run({ address, folder, env = {} }: HostsPlay, host: string, words: readonly string[]): Promise<void> {
  const { status, stderr } = await startOnHost(host, address, words, { XDG_CACHE_HOME: join(folder, `cache-of-${host}`), ...env }).ended;
  if (status !== 0) throw new Error(`${words[0] ?? ''} on ${host} ended with status ${String(status)}: ${stderr}`);
}

/** Changes the host's tree, saves it, and gives the new snapshot's id. What both hosts add is the same at times, so that a prune may be about to remove it. */
async function backUpOnce(play: HostsPlay, host: string, seed: string): Promise<string> {
  changeSmallTree(treeOf(play, host), seed);
  writeFileSync(join(treeOf(play, host), 'now'), `${host} ${seed}`);
  await run(play, host, ['backup', '--files', treeOf(play, host), ...waiting]);
  const newest = await using(play, async (repository) =>
    (await loadSnapshots(repository)).findLast(({ snapshot }) => snapshot.hostname === host),
  );
  if (newest === undefined) throw new Error(`the point that ${host} has just made is gone`);
  return newest.id;
}

async function using<Result>({ address, env }: HostsPlay, work: (repository: Repository) => Promise<Result>): Promise<Result> {
  const storage = await openStorage(address, env === undefined ? {} : { environment: env });
  const repository = await openRepository(storage, { password });
  try {
    return await work(repository);
  } finally {
    await repository.close();
  }
}

/** The points that retention keeps are there; whatever is there comes back as it was saved. */
async function verify(play: HostsPlay, saved: ReadonlyMap<string, string>, wanted: readonly string[]): Promise<void> {
  await judge(play, []);
  await using(play, async (repository) => {
    const there = await loadSnapshots(repository);
    const lost = wanted.filter((id) => !there.some((each) => each.id === id));
    if (lost.length > 0) throw new Error(`points are lost: ${lost.join(', ')}`);
    await mapConcurrently(there, 1, async ({ id, snapshot }) => {
      const target = join(play.folder, 'restored');
      rmSync(target, { recursive: true, force: true });
      await restoreSnapshot(repository, id, { target });
      if (digestOf(join(target, treeOf(play, snapshot.hostname ?? ''))) !== saved.get(id))
        throw new Error(`the point ${id} of ${snapshot.hostname ?? ''} came back other than it was saved`);
    });
  });
}

async function judge({ address, resticAddress = address, env }: HostsPlay, words: readonly string[]): Promise<void> {
  const { stdout, stderr } = await done(restic(resticAddress, ['check', '--no-lock', ...words], env === undefined ? {} : { env }));
  if (!stdout.includes('no errors were found')) throw new Error(`restic check said: ${stdout}${stderr}`);
}
