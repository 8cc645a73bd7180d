/** A repository on an SFTP server that holdfast and stock restic use in turn, each by its own driver. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeWorkplace } from '../../src/cli/testing/run-holdfast.ts';
import { cheapenKey } from '../../src/engine/tree/testing/quick-restic.ts';
import { done, holdfast, password, restic, summaryOf } from '../harness/programs/run-programs.ts';
import { startSshd, type Sshd } from '../harness/stores/sshd.ts';
import { compareTrees } from '../harness/trees/compare-trees.ts';
import { isLostByFormat, isLostByRestic, isMissedByRestic } from '../harness/trees/known-losses.ts';
import { makeTree } from '../harness/trees/make-tree.ts';

/* A dozen runs of programs each. */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

/* The newest point is restic's. */
const isLost = (difference: string): boolean => isLostByFormat(difference) || isLostByRestic(difference) || isMissedByRestic(difference);

const place = await makeWorkplace();
const tree = place.path('tree');
let server: Sshd;
beforeAll(async () => {
  server = await startSshd();
  await makeTree(tree, { seed: 'restic over sftp' });
});
afterAll(async () => {
  await server.stop();
  await place.remove();
});

function addressOf(name: string): string {
  return `sftp://root@127.0.0.1:${server.port}/${server.data}/${name}`;
}

const theirs = (name: string, ...words: string[]): Promise<{ readonly stdout: string }> =>
  done(
    restic(`sftp:root@127.0.0.1:${server.data}/${name}`, [
      '-o',
      `sftp.command=ssh ${server.sshArguments.join(' ')} root@127.0.0.1 -s sftp`,
      ...words,
    ]),
  );

const ours = (name: string, ...words: string[]): Promise<{ readonly stdout: string }> =>
  done(holdfast(addressOf(name), words, { env: { HOME: server.home, XDG_CACHE_HOME: place.path('cache') } }));

test.each(['holdfast', 'restic'])('a repository that %s made', async (maker) => {
  const name = `by-${maker}`;
  if (maker === 'holdfast') await ours(name, 'repo', 'init');
  else await theirs(name, 'init');
  await cheapenKey(join(server.data, name, 'keys'), password);
  const added = summaryOf(await ours(name, 'backup', '--files', tree, '--json'));
  expect(added['data_blobs']).toBeGreaterThan(50);
  expect(summaryOf(await theirs(name, 'backup', tree, '--json'))).toMatchObject({ data_blobs: 0 });
  expect((await theirs(name, 'check', '--read-data')).stdout).toContain('no errors were found');
  const [byOurs, byTheirs] = [place.path(`${name}-ours`), place.path(`${name}-theirs`)];
  await ours(name, 'restore', 'latest', '--target', byOurs);
  expect(compareTrees(tree, `${byOurs}${tree}`).filter((difference) => !isLost(difference))).toEqual([]);
  await theirs(name, 'restore', 'latest', '--target', byTheirs);
  expect(compareTrees(tree, `${byTheirs}${tree}`).filter((difference) => !isLost(difference))).toEqual([]);
  await theirs(name, 'forget', '--keep-last', '1', '--prune', '--max-unused', '0');
  expect(summaryOf(await ours(name, 'check', '--read-data', '--json'))).toMatchObject({ num_errors: 0 });
  await ours(name, 'prune', '--keep-last', '1', '--yes');
  expect((await theirs(name, 'check')).stdout).toContain('no errors were found');
});
