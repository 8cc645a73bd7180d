import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isError } from '../../errors.ts';
import { createLocalStorage } from '../../storage/local/local-storage.ts';
import { openSample, samplePassword } from '../check/testing/sample-repository.ts';
import { openRepository } from '../repository.ts';
import { quickRestic, type QuickRestic } from '../tree/testing/quick-restic.ts';
import { addKey, changePassword, removeKey } from './change-keys.ts';
import { listKeys } from './list-keys.ts';

let restic: QuickRestic;
let path: string;
beforeAll(async () => {
  restic = await quickRestic();
  path = join(restic.folder, 'repo');
});
afterAll(() => restic[Symbol.dispose]());

function resticOpens(password: string): boolean {
  const { status } = spawnSync('restic', ['--no-cache', '-r', path, '--no-lock', 'list', 'snapshots'], {
    env: { ...process.env, RESTIC_PASSWORD: password },
  });
  return status === 0;
}

test('a key that is added opens the repository for restic, and is removed again', async () => {
  const repository = await openSample(path);
  const id = await addKey(repository, 'second', { username: 'alice', hostname: 'laptop' });
  expect(resticOpens('second')).toBe(true);
  const { keys, problems } = await listKeys(repository);
  expect(problems).toEqual([]);
  expect(keys.map(({ current, username, hostname }) => ({ current, username, hostname }))).toEqual([
    { current: true, username: 'test', hostname: 'test' },
    { current: false, username: 'alice', hostname: 'laptop' },
  ]);
  expect(await removeKey(repository, id.slice(0, 8))).toBe(id);
  expect(resticOpens('second')).toBe(false);
  expect(resticOpens(samplePassword)).toBe(true);
});

test('neither the key in use nor the last one is removed, and an empty password is none', async () => {
  const repository = await openSample(path);
  await expect(removeKey(repository, repository.keyId)).rejects.toSatisfy((error) => isError(error, 'key-needed'));
  await expect(removeKey(repository, 'ffffffff')).rejects.toSatisfy((error) => isError(error, 'object-missing'));
  await expect(removeKey(repository, 'a')).rejects.toSatisfy((error) => isError(error, 'object-missing'));
  await expect(addKey(repository, '')).rejects.toSatisfy((error) => isError(error, 'password-missing'));
  expect(readdirSync(join(path, 'keys'))).toEqual([repository.keyId]);
});

test('a changed password opens, and the old one does not', async () => {
  const id = await changePassword(await openSample(path), 'changed');
  expect(readdirSync(join(path, 'keys'))).toEqual([id]);
  expect(resticOpens('changed')).toBe(true);
  expect(resticOpens(samplePassword)).toBe(false);
  const storage = createLocalStorage(path);
  await expect(openRepository(storage, { password: samplePassword })).rejects.toSatisfy((error) => isError(error, 'password-wrong'));
  const repository = await openRepository(storage, { password: 'changed' });
  expect(repository.keyId).toBe(id);
  // A damaged key is listed as such, and does not count as one that opens.
  const other = await addKey(repository, 'other');
  const file = join(path, 'keys', other);
  writeFileSync(file, readFileSync(file, 'utf8').replace('scrypt', 'scrupt'));
  expect((await listKeys(repository)).problems).toEqual([{ id: other, reason: 'its content is not what its name says' }]);
  await removeKey(repository, other);
});
