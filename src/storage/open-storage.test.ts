import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../errors.ts';
import { openStorage } from './open-storage.ts';

describe('openStorage', () => {
  it.each([
    ['/backups/app', '/backups/app'],
    ['/backups/app/', '/backups/app'],
    ['backups', resolve('backups')],
    ['./s3:bucket', resolve('s3:bucket')],
    ['~/backups', resolve('~/backups')],
    ['local:/backups/app', '/backups/app'],
    ['local:backups', resolve('backups')],
    ['file:///backups/my%20app', '/backups/my app'],
    ['file://localhost/backups', '/backups'],
  ])('takes %s for a folder', async (url, location) => {
    const storage = await openStorage(url);
    expect(storage.location).toBe(location);
    expect(storage.local).toBeDefined();
  });

  it.each([
    '',
    '  ',
    'local:',
    'file:relative',
    'file://otherhost/path',
    'file:///a%2Fb',
    'unknown:thing',
    'a\0b',
    'b2:bucket:/x',
    'https://host/',
  ])('refuses %j', async (url) => {
    expect((await refusalOf(url)).code).toBe('storage-url');
  });

  it.each([
    'rest:https://user:hunter2@host/x',
    's3://key:hunter2@bucket',
    'sftp://host/path?key=hunter2',
    'sftp://user:hunter2@host/path',
    'rest:https://user:hun@hunter2@host',
    'azure://container?key=hunter2',
    'gs://bucket?token=hunter2',
  ])('shows no password: %s', async (url) => {
    const shown = await openStorage(url).then(
      ({ location }) => location,
      (failure: unknown) => (failure instanceof HoldfastError ? failure.message + failure.hint + JSON.stringify(failure.details) : ''),
    );
    expect(shown).not.toBe('');
    expect(shown).not.toContain('hunter2');
  });
});

async function refusalOf(url: string): Promise<HoldfastError> {
  try {
    await openStorage(url);
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error(`${url} was taken`);
}
