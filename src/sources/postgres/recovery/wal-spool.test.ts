import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HoldfastError } from '../../../errors.ts';
import { openWalSpool } from './wal-spool.ts';
import type { WalSupply } from './wal-supply.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-spool-'));
  await mkdir(join(folder, 'pg_wal'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const [first, second, third] = ['000000010000000000000001', '000000010000000000000002', '000000010000000000000003'];
const signal = new AbortController().signal;
const content = (name: string): Buffer => Buffer.alloc(4096, name.slice(-1));

function supplyOf(read: WalSupply['readSegment']): WalSupply {
  const histories = [{ name: '00000002.history', content: Buffer.from('1\t0/3000000\tx\n') }];
  return { segmentSize: 2 ** 24, segments: [first, second, third], histories, readSegment: read };
}

/** As the server calls restore_command: its status. */
async function fetch(name: string, to = `pg_wal/${name}`): Promise<number | null> {
  const child = spawn('sh', ['holdfast-recovery/fetch', name, to], { cwd: folder, stdio: 'ignore' });
  await once(child, 'exit');
  return child.exitCode;
}

test('segments come in any order and more than once, histories stay, and what is not there is said to be absent', async () => {
  const spool = await openWalSpool(
    folder,
    supplyOf((name) => Promise.resolve(content(name))),
    undefined,
    signal,
  );
  for (const name of [first, third, first]) {
    expect(await fetch(name)).toBe(0);
    expect(await readFile(join(folder, 'pg_wal', name))).toEqual(content(name));
  }
  for (let time = 0; time < 2; time += 1) expect(await fetch('00000002.history')).toBe(0);
  for (const name of ['000000010000000000000004', '00000003.history', '000000020000000000000001']) expect(await fetch(name)).toBe(1);
  await spool.close();
}, 30_000);

test('a failure is not an absence: the server has to end', async () => {
  const broken = new HoldfastError('damaged', { object: second, reason: 'its seal is broken' });
  const spool = await openWalSpool(
    folder,
    supplyOf((name) => (name === second ? Promise.reject(broken) : Promise.resolve(content(name)))),
    undefined,
    signal,
  );
  await expect(spool.failed).rejects.toBe(broken);
  expect(await fetch(second)).toBeGreaterThan(125);
  expect(await fetch('000000010000000000000004')).toBeGreaterThan(125);
  await spool.close();
}, 30_000);

test('after holdfast has closed it, or is gone without a word, nothing counts as absent', async () => {
  const spool = await openWalSpool(
    folder,
    supplyOf(() => new Promise(() => {})),
    undefined,
    signal,
  );
  void spool;
  await writeFile(join(folder, 'holdfast-recovery', 'state'), 'failed\n');
  expect(await fetch('000000010000000000000009')).toBeGreaterThan(125);
  await rm(join(folder, 'holdfast-recovery', 'state'));
  expect(await fetch('000000010000000000000009')).toBeGreaterThan(125);
}, 30_000);

test('a server that goes on without holdfast is told that there is no more', async () => {
  const spool = await openWalSpool(
    folder,
    supplyOf((name) => Promise.resolve(content(name))),
    undefined,
    signal,
  );
  expect(await fetch(first)).toBe(0);
  await spool.finish();
  expect(await fetch('00000002.history')).toBe(0);
  expect(await fetch('000000010000000000000004')).toBe(1);
}, 30_000);

test('a segment has its name only once it is whole', async () => {
  const release = Promise.withResolvers<void>();
  const slow = async (name: string): Promise<Buffer> => {
    if (name === second) await release.promise;
    return content(name);
  };
  const spool = await openWalSpool(folder, supplyOf(slow), undefined, signal);
  expect(await fetch(third)).toBe(0);
  expect(await readdir(join(folder, 'holdfast-recovery', 'wal'))).not.toContain(second);
  release.resolve();
  expect(await fetch(second)).toBe(0);
  await spool.close();
}, 30_000);
