/**
 * The whole life of a repository in one place, by the command line: init, doctor, two backups, prune, check, restore, copy there and back. stock
 * restic judges the copy on this machine, and the place itself where it can reach it. HOLDFAST_LIFE_MB says how much is backed up.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { makeWorkplace, parseLines, password, runHoldfast, runRestic, type RunResult } from '../../../src/cli/testing/run-holdfast.ts';
import { compareTrees } from '../../harness/trees/compare-trees.ts';
import { noiseBytes, textBytes } from '../../harness/trees/seeded-bytes.ts';

export interface LivingPlace {
  /** Of a repository that is not there yet. */
  readonly url: string;
  /** Of a second one. */
  readonly otherUrl: string;
  /** Credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** How restic calls the first one; absent where it cannot reach it. */
  readonly resticUrl?: string;
  /** Options that restic needs besides. */
  readonly resticOptions?: readonly string[];
}

const mebibyte = 2 ** 20;

export async function liveOneLife(place: LivingPlace, defaultMegabytes: number): Promise<void> {
  const megabytes = Number(process.env['HOLDFAST_LIFE_MB'] ?? defaultMegabytes);
  const work = await makeWorkplace();
  const [data, target, local] = [work.path('data'), work.path('target'), work.path('local')];
  const env = {
    ...place.environment,
    HOLDFAST_FROM_PASSWORD: password,
    XDG_CACHE_HOME: work.path('cache'),
    HOLDFAST_STATE: work.path('state'),
  };
  const holdfast = async (...args: string[]): Promise<RunResult> => {
    const result = await runHoldfast(args, { env });
    expect({ args, status: result.status, stderr: result.status === 0 ? '' : result.stderr }).toEqual({ args, status: 0, stderr: '' });
    return result;
  };
  try {
    writeTree(data, megabytes);
    await holdfast('doctor', '-r', place.url);
    await holdfast('repo', 'init', '-r', place.url);
    await holdfast('backup', '-r', place.url, '--files', data);
    changeTree(data, megabytes);
    const second = parseLines((await holdfast('backup', '-r', place.url, '--files', data, '--json')).stdout).at(-1);
    expect(second?.['message_type']).toBe('summary');
    expect(Number(second?.['data_added'])).toBeLessThan((megabytes * mebibyte) / 8);
    await holdfast('prune', '-r', place.url, '--keep-last', '1', '--yes');
    expect(parseLines((await holdfast('list', '-r', place.url, '--json')).stdout)).toHaveLength(1);
    await holdfast('check', '-r', place.url, '--read-data');
    await holdfast('restore', 'latest', '-r', place.url, '--target', target, '--yes');
    expect(compareTrees(data, join(target, data))).toEqual([]);
    await holdfast('copy', '-r', local, '--from-repo', place.url);
    const judged = await runRestic(local, ['check', '--read-data']);
    expect({ status: judged.status, stdout: judged.stdout }).toMatchObject({ status: 0 });
    await holdfast('copy', '-r', place.otherUrl, '--from-repo', local);
    await holdfast('check', '-r', place.otherUrl, '--read-data');
    await holdfast('doctor', '-r', place.url);
    if (place.resticUrl === undefined) return;
    const there = await runRestic(place.resticUrl, [...(place.resticOptions ?? []), 'check', '--read-data'], { env });
    expect({ status: there.status, said: there.status === 0 ? '' : there.stdout + there.stderr }).toEqual({ status: 0, said: '' });
  } finally {
    await work.remove();
  }
}

/** Half does not compress, half does; most is in large files, most files are small. */
function writeTree(folder: string, megabytes: number): void {
  for (let number = 0; number < megabytes; number += 1) {
    const below = join(folder, `part-${Math.floor(number / 64)}`);
    mkdirSync(below, { recursive: true });
    writeFileSync(join(below, `noise-${number}`), noiseBytes(`noise ${number}`, mebibyte / 2));
    for (let part = 0; part < 4; part += 1)
      writeFileSync(join(below, `text-${number}-${part}`), textBytes(`text ${number % 16} ${part}`, mebibyte / 8));
  }
}

/** One part in sixteen is new, one is gone, one has another name. */
function changeTree(folder: string, megabytes: number): void {
  for (let number = 0; number < megabytes; number += 48) {
    const below = join(folder, `part-${Math.floor(number / 64)}`);
    writeFileSync(join(below, `noise-${number}`), noiseBytes(`changed ${number}`, mebibyte / 2));
    rmSync(join(below, `text-${number}-0`));
    renameSync(join(below, `text-${number}-1`), join(below, `moved-${number}`));
  }
}
