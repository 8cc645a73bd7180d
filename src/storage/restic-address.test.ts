import { expect, test } from 'vitest';
import { completeAddress, publicAddress, resticAddress } from './restic-address.ts';
import { parseStorageAddress } from './storage-address.ts';

test.each([
  ['/srv/backups', '/srv/backups'],
  ['s3://acme/app', 's3:https://s3.amazonaws.com/acme/app'],
  ['s3://acme/app?endpoint=http://127.0.0.1:9000&region=eu', 's3:http://127.0.0.1:9000/acme/app'],
  ['gs://acme/app', 'gs:acme:/app'],
  ['azure://acme', 'azure:acme:/'],
  ['sftp://me@host:2222//srv/b', 'sftp://me@host:2222//srv/b'],
  ['sftp://host/b', 'sftp://host/b'],
  ['rest:https://me:secret@host/app', 'rest:https://host/app/'],
])('%s is %s for restic', (ours, theirs) => {
  expect(resticAddress(ours)).toBe(theirs);
});

test.each([
  's3://acme/app?endpoint=http://127.0.0.1:9000',
  'gs://acme/app',
  'azure://acme/x',
  'sftp://me@host:2222//srv/b',
  'rest:https://host/app/',
])('what restic is told of %s is the same place for us', (ours) => {
  const { parameters: _ours, ...place } = { parameters: {}, ...parseStorageAddress(ours) };
  expect(parseStorageAddress(resticAddress(ours))).toMatchObject(place);
});

test('only what may hold a secret is taken out of an address', () => {
  expect(publicAddress('rest:https://me:secret@host/app')).toBe('rest:https://host/app/');
  expect(publicAddress('s3://acme/app?endpoint=http://127.0.0.1:9000')).toBe('s3://acme/app?endpoint=http://127.0.0.1:9000');
});

test('an endpoint that only this machine knows is written down', () => {
  const environment = { AWS_ENDPOINT_URL: 'http://127.0.0.1:9000/' };
  for (const [given, complete] of [
    ['s3://acme/app', 's3://acme/app?endpoint=http://127.0.0.1:9000'],
    ['s3://acme/app?region=eu', 's3://acme/app?region=eu&endpoint=http://127.0.0.1:9000'],
    ['s3://acme/app?endpoint=https://other', 's3://acme/app?endpoint=https://other'],
    ['s3:https://other/acme/app', 's3:https://other/acme/app'],
    ['/srv/backups', '/srv/backups'],
  ] as const)
    expect(completeAddress(given, environment)).toBe(complete);
  expect(resticAddress(completeAddress('s3://acme/app?region=eu', environment))).toBe('s3:http://127.0.0.1:9000/acme/app');
  expect(completeAddress('s3://acme/app', {})).toBe('s3://acme/app');
});
