import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isError } from '../../errors.ts';
import { createLocalStorage } from '../../storage/local/local-storage.ts';
import type { Storage } from '../../storage/storage.ts';
import { listeningContext, openSample, quietContext, samplePassword } from '../check/testing/sample-repository.ts';
import { openRepository, type Repository } from '../repository.ts';
import { quickRestic, type QuickRestic } from '../tree/testing/quick-restic.ts';
import { encodeLock, loadLocks, type LockFile } from './lock-file.ts';
import { lockRepository } from './lock-repository.ts';
import { unlockRepository } from './unlock-repository.ts';

let restic: QuickRestic;
let path: string;
let repository: Repository;
beforeAll(async () => {
  restic = await quickRestic();
  path = join(restic.folder, 'repo');
  repository = await openSample(path);
});
afterEach(() => {
  for (const file of globSync('locks/*', { cwd: path })) rmSync(join(path, file));
});
afterAll(() => restic[Symbol.dispose]());

const quick = { timing: { settleMs: 0, firstPauseMs: 1, longestPauseMs: 5 } };

function lockOf(over: Partial<LockFile>): LockFile {
  return {
    time: repository.clock.now().getTime(),
    exclusive: false,
    hostname: 'other-host',
    username: 'alice',
    pid: 4711,
    uid: 1000,
    gid: 1000,
    ...over,
  };
}

async function deadPid(): Promise<number> {
  const child = spawn('true');
  await once(child, 'exit');
  return child.pid ?? 0;
}

function files(): string[] {
  return readdirSync(join(path, 'locks'));
}

describe('restic and holdfast respect each other', () => {
  test('an exclusive lock of ours keeps restic out, a shared one only from what is exclusive', async () => {
    const exclusive = await lockRepository(repository, { exclusive: true }, quietContext());
    expect(() => restic.run(['backup', '/etc/hostname'])).toThrow(/already locked exclusively by PID \d+ on/);
    await exclusive.release();
    const shared = await lockRepository(repository, { exclusive: false }, quietContext());
    restic.run(['backup', '/etc/hostname']);
    expect(() => restic.run(['prune'])).toThrow(/already locked by PID \d+ on/);
    expect(restic.run(['list', 'locks', '--no-lock', '--quiet']).toString().trim()).toBe(files()[0]);
    await shared.release();
    expect(files()).toEqual([]);
    restic.run(['prune']);
  });

  test("restic's exclusive lock keeps us out until it is gone", async () => {
    // It is stopped within the 200 ms that restic waits after writing its lock.
    const child = spawn('restic', ['--no-cache', '-r', path, 'check'], {
      env: { ...process.env, RESTIC_PASSWORD: samplePassword },
      stdio: 'ignore',
    });
    try {
      while ((await loadLocks(repository)).length === 0 && child.exitCode === null) await sleep(5);
      child.kill('SIGSTOP');
      const [lock] = await loadLocks(repository);
      expect(lock !== undefined && 'lock' in lock && lock.lock).toMatchObject({ exclusive: true, hostname: hostname(), pid: child.pid });
      const refused = lockRepository(repository, { exclusive: false, ...quick }, quietContext());
      await expect(refused).rejects.toSatisfy((error) => isError(error, 'locked') && error.message.includes(`process ${child.pid}`));
      const waiting = lockRepository(repository, { exclusive: true, waitMs: 30_000, ...quick }, quietContext());
      const exited = once(child, 'exit');
      child.kill('SIGCONT');
      child.kill('SIGINT');
      await exited;
      await (await waiting).release();
    } finally {
      child.kill('SIGKILL');
    }
  });
});

test('shared locks live beside each other, an exclusive one alone', async () => {
  const first = await lockRepository(repository, { exclusive: false, ...quick }, quietContext());
  const second = await lockRepository(repository, { exclusive: false, ...quick }, quietContext());
  await expect(lockRepository(repository, { exclusive: true, ...quick }, quietContext())).rejects.toSatisfy((error) =>
    isError(error, 'locked'),
  );
  expect(files()).toHaveLength(2);
  await first.release();
  await second.release();
  await second.release();
  expect(files()).toEqual([]);
});

test('of two that come at the same instant at most one gets an exclusive lock', async () => {
  for (let round = 0; round < 5; round++) {
    const both = await Promise.allSettled(
      [1, 2].map(() => lockRepository(repository, { exclusive: true, timing: { settleMs: 20 } }, quietContext())),
    );
    const locks = both.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(locks.length).toBeLessThan(2);
    for (const lock of locks) await lock.release();
    expect(files()).toEqual([]);
  }
});

describe('locks left behind', () => {
  test('one of this host whose process is dead is removed, with a notice', async () => {
    await repository.writeFile('lock', encodeLock(lockOf({ hostname: hostname(), pid: await deadPid(), exclusive: true })));
    const context = listeningContext();
    const lock = await lockRepository(repository, { exclusive: true, ...quick }, context);
    expect(context.heard).toEqual([{ type: 'notice', message: expect.stringMatching(/alice@.* left behind \d+ seconds? ago/) as string }]);
    await lock.release();
  });

  test('one of this host whose process lives is respected', async () => {
    await repository.writeFile('lock', encodeLock(lockOf({ hostname: hostname(), pid: process.pid, exclusive: true })));
    await expect(lockRepository(repository, { exclusive: false, ...quick }, quietContext())).rejects.toSatisfy((error) =>
      isError(error, 'locked'),
    );
  });

  test('one of another host is never removed by itself, and the error says whose it is, how old, and what to do', async () => {
    const hour = repository.clock.now().getTime() - 3 * 3_600_000;
    await repository.writeFile('lock', encodeLock(lockOf({ exclusive: true, time: hour })));
    await expect(lockRepository(repository, { exclusive: false, ...quick }, quietContext())).rejects.toMatchObject({
      code: 'locked',
      message: `Cannot lock ${path}: alice@other-host (process 4711, exclusive) holds a lock of 3 hours.`,
      hint: expect.stringContaining('holdfast unlock') as string,
    });
    expect(files()).toHaveLength(1);
  });

  test('unlock removes stale ones only, and with `all` every one', async () => {
    await repository.writeFile('lock', encodeLock(lockOf({ time: repository.clock.now().getTime() - 31 * 60_000 })));
    await repository.writeFile('lock', encodeLock(lockOf({ hostname: hostname(), pid: await deadPid() })));
    await repository.writeFile('lock', encodeLock(lockOf({})));
    writeFileSync(join(path, 'locks', 'ab'.repeat(32)), 'no lock');
    writeFileSync(join(path, 'locks', 'ac'.repeat(32)), '');
    expect(await unlockRepository(repository)).toHaveLength(2);
    expect(files()).toHaveLength(3);
    expect(await unlockRepository(repository, { all: true })).toHaveLength(3);
    expect(files()).toEqual([]);
  });
});

test('an unreadable lock is in the way, an empty one is not', async () => {
  writeFileSync(join(path, 'locks', 'ac'.repeat(32)), '');
  await (await lockRepository(repository, { exclusive: true, ...quick }, quietContext())).release();
  writeFileSync(join(path, 'locks', 'ab'.repeat(32)), 'no lock');
  await expect(lockRepository(repository, { exclusive: false, ...quick }, quietContext())).rejects.toSatisfy((error) =>
    isError(error, 'lock-unreadable'),
  );
});

describe('while it is held', () => {
  const minute = 60_000;
  let now = repositoryTime();
  const clock = { now: () => new Date(now) };
  const timing = { settleMs: 0, watchMs: 1 };

  function repositoryTime(): number {
    return Date.UTC(2026, 10, 20, 12);
  }

  async function open(wrap: (storage: Storage) => Storage = (storage) => storage): Promise<Repository> {
    now = repositoryTime();
    return openRepository(wrap(createLocalStorage(path)), { password: samplePassword, clock });
  }

  test('it is refreshed: a new file, then the old one goes', async () => {
    const lock = await lockRepository(await open(), { exclusive: true, timing }, quietContext());
    const [first = ''] = files();
    now += 4 * minute;
    await sleep(30);
    expect(files()).toEqual([first]);
    now += 2 * minute;
    while (files().includes(first)) await sleep(2);
    await lock.release();
    expect(files()).toEqual([]);
    expect(lock.signal.aborted).toBe(false);
  });

  test('it is lost when somebody removes it', async () => {
    const lock = await lockRepository(await open(), { exclusive: true, timing }, quietContext());
    await unlockRepository(repository, { all: true });
    now += 6 * minute;
    if (!lock.signal.aborted) await once(lock.signal, 'abort');
    expect(isError(lock.signal.reason, 'lock-lost')).toBe(true);
    await lock.release();
    expect(files()).toEqual([]);
  });

  test('a storage that fails is tried again, and after too long the lock is lost', async () => {
    let failing = false;
    const faulty = (storage: Storage): Storage =>
      ({
        ...Object.fromEntries(['get', 'putFile', 'stat', 'list', 'remove', 'close', 'create'].map((name) => [name, bound(storage, name)])),
        location: storage.location,
        put: (key: string, data: Uint8Array) => (failing ? Promise.reject(new Error('no answer')) : storage.put(key, data)),
      }) as Storage;
    const context = listeningContext();
    const lock = await lockRepository(await open(faulty), { exclusive: true, timing }, context);
    failing = true;
    now += 6 * minute;
    while (context.heard.length === 0) await sleep(2);
    expect(lock.signal.aborted).toBe(false);
    now += 20 * minute;
    if (!lock.signal.aborted) await once(lock.signal, 'abort');
    expect(isError(lock.signal.reason, 'lock-lost')).toBe(true);
    await lock.release();
    expect(files()).toEqual([]);
  });
});

test('an interrupted wait leaves no lock', async () => {
  const stop = new AbortController();
  const waiting = lockRepository(
    repository,
    { exclusive: false, timing: { settleMs: 10_000 } },
    { ...quietContext(), signal: stop.signal },
  );
  while (files().length === 0) await sleep(2);
  stop.abort();
  await expect(waiting).rejects.toSatisfy((error) => isError(error, 'interrupted'));
  expect(files()).toEqual([]);
});

test('the timers of a lock that was never released do not keep a process alive', () => {
  const code = `
    import { lockRepository } from ${JSON.stringify(new URL('./lock-repository.ts', import.meta.url).href)};
    import { openSample, quietContext } from ${JSON.stringify(new URL('../check/testing/sample-repository.ts', import.meta.url).href)};
    await lockRepository(await openSample(${JSON.stringify(path)}), { exclusive: true, timing: { settleMs: 0 } }, quietContext());`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { timeout: 20_000, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

function bound(target: object, name: string): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === 'function' ? value.bind(target) : value;
}
