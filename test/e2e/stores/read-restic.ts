/** A repository that stock restic makes in a place, read and checked by holdfast. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { makeWorkplace, runHoldfast, runRestic, type RunResult } from '../../../src/cli/testing/run-holdfast.ts';
import { compareTrees } from '../../harness/trees/compare-trees.ts';
import { noiseBytes } from '../../harness/trees/seeded-bytes.ts';

export interface SharedPlace {
  /** Of a repository that is not there yet, as holdfast calls it. */
  readonly url: string;
  /** The same, as restic calls it. */
  readonly resticUrl: string;
  readonly environment: Readonly<Record<string, string>>;
}

export async function readRestic(place: SharedPlace): Promise<void> {
  const work = await makeWorkplace();
  const [data, target] = [work.path('data'), work.path('target')];
  const env = { ...place.environment, XDG_CACHE_HOME: work.path('cache'), HOLDFAST_STATE: work.path('state') };
  const must = (result: RunResult): void =>
    expect({ status: result.status, said: result.status === 0 ? '' : result.stdout + result.stderr }).toEqual({ status: 0, said: '' });
  try {
    mkdirSync(data);
    for (const number of [1, 2, 3]) writeFileSync(join(data, `file-${number}`), noiseBytes(`file ${number}`, number * 500_000));
    must(await runRestic(place.resticUrl, ['init'], { env }));
    must(await runRestic(place.resticUrl, ['backup', data], { env }));
    must(await runHoldfast(['check', '-r', place.url, '--read-data'], { env }));
    must(await runHoldfast(['restore', 'latest', '-r', place.url, '--target', target, '--yes'], { env }));
    expect(compareTrees(data, join(target, data))).toEqual([]);
  } finally {
    await work.remove();
  }
}
