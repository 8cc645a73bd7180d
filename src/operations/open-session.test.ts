/** How often the place is asked: over a network each time counts, and is paid for. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lockRepository } from '../engine/lock/lock-repository.ts';
import { ignoreEvents } from '../events.ts';
import type { Storage } from '../storage/storage.ts';
import { createSession, openSession } from './open-session.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-session-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const asked: string[] = [];

/** As a place that is not on this machine: notes the requests, without what is random in their keys. */
function noting(storage: Storage): Storage {
  return new Proxy(storage, {
    get: (target, name) => {
      if (name === 'local') return undefined;
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...words: unknown[]): unknown => {
        if (typeof words[0] === 'string' && name !== 'path') asked.push(`${String(name)} ${words[0].replace(/[0-9a-f]{64}/, '*')}`);
        return Reflect.apply(value, target, words);
      };
    },
  });
}

test('opening, locking and reading the index ask no more than they must', async () => {
  const url = join(folder, 'repository');
  const askPassword = (): Promise<string> => Promise.resolve('of this test');
  await (await createSession({ url, password: askPassword })).close();
  const repository = await openSession({ url, password: askPassword, around: noting });
  expect(asked.splice(0)).toEqual(['get config', 'list keys/', 'get keys/*']);
  const lock = await lockRepository(repository, { exclusive: false }, { events: ignoreEvents, signal: new AbortController().signal });
  expect(asked.splice(0)).toEqual(['list locks/', 'put locks/*', 'list locks/']);
  await repository.loadIndex();
  expect(asked.splice(0)).toEqual(['list index/']);
  await lock.release();
  expect(asked.splice(0)).toEqual(['remove locks/*']);
  await repository.close();
});

test('no password is asked for where there is no repository', async () => {
  const ask = (): Promise<string> => Promise.reject(new Error('it was asked for'));
  await expect(openSession({ url: join(folder, 'nowhere'), password: ask })).rejects.toMatchObject({ code: 'repository-missing' });
});
