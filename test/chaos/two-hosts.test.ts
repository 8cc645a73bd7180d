/** Several machines and two programs work in one repository at once; what deletes waits its turn. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadSnapshots } from '../../src/engine/snapshots/load-snapshots.ts';
import { makeWorkplace } from '../../src/cli/testing/run-holdfast.ts';
import { done, holdfast, judge, restic } from '../harness/programs/run-programs.ts';
import { createQuickRepository, openQuickRepository } from '../harness/repositories/quick-repository.ts';
import { restoreSnapshot } from '../harness/repositories/restore-in-process.ts';
import { noiseBytes } from '../harness/trees/seeded-bytes.ts';
import { startOnHost } from './foreign-host.ts';
import { changeSmallTree, digestOf, makeSmallTree } from './small-tree.ts';

/* Four hosts on two cores, again and again. */
vi.setConfig({ testTimeout: 240_000 });

const hosts = ['alpha', 'beta', 'gamma'];
const place = await makeWorkplace();
const treeOf = (host: string): string => place.path(`tree-of-${host}`);
const prune = ['prune', '--keep-last', '1', '--max-unused', '0', '--yes'];
let repository = '';
afterAll(() => place.remove());

/** Trees that have much in common, and something of their own. */
beforeAll(() => {
  for (const host of [...hosts, 'delta']) {
    mkdirSync(treeOf(host));
    makeSmallTree(treeOf(host), 'common');
    for (let number = 0; number < 6; number++)
      writeFileSync(join(treeOf(host), `own-${number}`), noiseBytes(`${host} ${number}`, 1_500_000));
  }
});

async function startRound(): Promise<void> {
  const ours = hosts.map((host) => startOnHost(host, repository, ['backup', '--files', treeOf(host)]).ended);
  const theirs = restic(repository, ['backup', treeOf('delta'), '--host', 'delta']);
  for (const { status, stderr } of await Promise.all(ours)) expect(status, stderr).toBe(0);
  await done(theirs);
}

/** Every host's newest point holds what is in its tree now. */
async function expectNewest(): Promise<void> {
  const opened = await openQuickRepository(repository);
  const snapshots = await loadSnapshots(opened);
  for (const host of [...hosts, 'delta']) {
    const newest = snapshots.findLast(({ snapshot }) => snapshot.hostname === host);
    const target = place.path(`${newest?.id ?? 'none'}-${host}-${snapshots.length}`);
    await restoreSnapshot(opened, newest?.id ?? '', { target });
    expect(digestOf(join(target, treeOf(host))), host).toBe(digestOf(treeOf(host)));
  }
}

async function lockAppears(known: readonly string[] = []): Promise<void> {
  for (let waited = 0; waited < 1000; waited++) {
    if (readdirSync(join(repository, 'locks')).some((name) => !known.includes(name))) return;
    await sleep(10);
  }
  throw new Error('there is no lock after ten seconds');
}

describe.runIf(process.getuid?.() === 0)('several hosts', () => {
  test('back up at once, restic among them, again and again', async () => {
    repository = place.path('at-once');
    await createQuickRepository(repository);
    for (let round = 0; round < 3; round++) {
      if (round > 0) for (const host of [...hosts, 'delta']) changeSmallTree(treeOf(host), `common ${round}`);
      await startRound();
      await judge(repository, []);
      await expectNewest();
    }
    await judge(repository);
    await done(holdfast(repository, prune));
    await judge(repository);
    await expectNewest();
    expect(await (await openQuickRepository(repository)).listFiles('snapshot')).toHaveLength(4);
  });

  test('a prune is refused while another host is at work, with either program, and works after', async () => {
    repository = place.path('in-turn');
    await createQuickRepository(repository);
    await done(holdfast(repository, ['backup', '--files', treeOf('alpha')]));
    const run = startOnHost('beta', repository, ['backup', '--files', treeOf('beta')]);
    await lockAppears();
    run.signal('SIGSTOP');
    const refused = await holdfast(repository, prune);
    expect(refused.status).toBe(11);
    expect(refused.stderr).toContain('beta');
    expect((await restic(repository, ['prune'])).status).not.toBe(0);
    expect((await holdfast(repository, ['unlock'])).status).toBe(0);
    expect((await holdfast(repository, prune)).status).toBe(11); // unlock leaves the lock of a living run
    await done(holdfast(repository, ['backup', '--files', treeOf('gamma'), '--host', 'gamma']));
    run.signal('SIGCONT');
    const { status, stderr } = await run.ended;
    expect(status, stderr).toBe(0);
    await done(holdfast(repository, prune));
    await judge(repository);
  });

  test('a prune that waits for its turn gets it', async () => {
    const run = startOnHost('beta', repository, ['backup', '--files', treeOf('beta'), '--force']);
    await lockAppears();
    run.signal('SIGSTOP');
    const waiting = holdfast(repository, [...prune, '--wait-lock', '2m']);
    await sleep(1500);
    run.signal('SIGCONT');
    expect((await run.ended).status).toBe(0);
    await done(waiting);
    await judge(repository);
  });

  test('the lock of a host that died is in the way of a prune, not of a backup, until somebody removes it', async () => {
    const run = startOnHost('beta', repository, ['backup', '--files', treeOf('beta'), '--force']);
    await lockAppears();
    run.signal('SIGKILL');
    await run.ended;
    await done(holdfast(repository, ['backup', '--files', treeOf('alpha')]));
    expect((await holdfast(repository, prune)).status).toBe(11);
    await done(holdfast(repository, ['unlock', '--remove-all']));
    await done(holdfast(repository, prune));
    await judge(repository);
  });
});
