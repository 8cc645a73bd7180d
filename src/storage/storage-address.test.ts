import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isError } from '../errors.ts';
import { parseStorageAddress } from './storage-address.ts';

describe('addresses', () => {
  it.each([
    ['s3://bucket', { scheme: 's3', bucket: 'bucket', prefix: '', parameters: {} }],
    ['s3://bucket/a/b/', { scheme: 's3', bucket: 'bucket', prefix: 'a/b', parameters: {} }],
    ['s3://my.bucket/x?region=eu-1', { scheme: 's3', bucket: 'my.bucket', prefix: 'x', parameters: { region: 'eu-1' } }],
    ['s3://bucket/x?endpoint=http://host:81', { scheme: 's3', endpoint: 'http://host:81', bucket: 'bucket', prefix: 'x', parameters: {} }],
    ['s3://bucket?endpoint=host', { scheme: 's3', endpoint: 'https://host', bucket: 'bucket', prefix: '', parameters: {} }],
    ['S3:s3.amazonaws.com/bucket/x', { scheme: 's3', endpoint: 'https://s3.amazonaws.com', bucket: 'bucket', prefix: 'x', parameters: {} }],
    ['s3://s3.amazonaws.com/bucket', { scheme: 's3', endpoint: 'https://s3.amazonaws.com', bucket: 'bucket', prefix: '', parameters: {} }],
    [
      's3:http://127.0.0.1:8095/bucket/a',
      { scheme: 's3', endpoint: 'http://127.0.0.1:8095', bucket: 'bucket', prefix: 'a', parameters: {} },
    ],
    ['s3://127.0.0.1:8095/bucket/a', { scheme: 's3', endpoint: 'https://127.0.0.1:8095', bucket: 'bucket', prefix: 'a', parameters: {} }],
    ['gs://bucket/x', { scheme: 'gs', bucket: 'bucket', prefix: 'x', parameters: {} }],
    ['gs:bucket:/x/y', { scheme: 'gs', bucket: 'bucket', prefix: 'x/y', parameters: {} }],
    ['azure:container:/', { scheme: 'azure', bucket: 'container', prefix: '', parameters: {} }],
    ['azure://container/x?account=acme', { scheme: 'azure', bucket: 'container', prefix: 'x', parameters: { account: 'acme' } }],
    ['sftp://me@host/backups/app', { scheme: 'sftp', user: 'me', host: 'host', path: 'backups/app', parameters: {} }],
    ['sftp://me@host:2222//backups/app/', { scheme: 'sftp', user: 'me', host: 'host', port: 2222, path: '/backups/app', parameters: {} }],
    ['sftp:me@host:/backups', { scheme: 'sftp', user: 'me', host: 'host', path: '/backups', parameters: {} }],
    ['sftp:host:backups', { scheme: 'sftp', host: 'host', path: 'backups', parameters: {} }],
    ['sftp://[::1]:22//x', { scheme: 'sftp', host: '::1', port: 22, path: '/x', parameters: {} }],
    ['rest:https://host:8000', { scheme: 'rest', url: 'https://host:8000/' }],
    ['rest:http://me:p%40ss@host/a', { scheme: 'rest', url: 'http://host/a/', user: 'me', password: 'p@ss' }],
    ['./s3:bucket', { scheme: 'local', path: resolve('s3:bucket') }],
  ])('%s', (url, address) => {
    expect(parseStorageAddress(url)).toEqual(address);
  });

  it.each([
    's3:',
    's3://',
    's3:///x',
    's3://bucket/../x',
    's3://bu cket/x',
    's3:https://host',
    's3://bucket?endpoint=ftp://host',
    's3://bucket?endpoint=https://user:word@host',
    's3://bucket?region=a&region=b',
    'gs://',
    'azure:',
    'sftp://host',
    'sftp:host',
    'sftp://me:word@host/x',
    'sftp://host:99999/x',
    'rest:host:8000',
    'rest:ftp://host/',
    'rest:https://host/?x=1',
  ])('refuses %s', (url) => {
    let failure: unknown;
    try {
      parseStorageAddress(url);
    } catch (error) {
      failure = error;
    }
    expect(isError(failure, 'storage-url'), String(failure)).toBe(true);
    expect(String(failure)).not.toContain('word@');
  });
});
