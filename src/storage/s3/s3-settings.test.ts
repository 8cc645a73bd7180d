import { describe, expect, it } from 'vitest';
import { parseStorageAddress, type S3Address } from '../storage-address.ts';
import type { StorageEnvironment, StorageOptions } from '../storage-options.ts';
import { readS3Settings, type S3Settings } from './s3-settings.ts';

function settings(url: string, environment: StorageEnvironment = {}, options: StorageOptions = {}): S3Settings {
  const address = parseStorageAddress(url);
  if (address.scheme !== 's3') throw new Error(`${url} is not S3`);
  return readS3Settings(address satisfies S3Address, options, environment);
}

describe('where a bucket lies', () => {
  it.each([
    ['s3://bucket/app', {}, undefined, 'us-east-1', false],
    ['s3://bucket/app', { AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'x' }, undefined, 'eu-west-1', false],
    ['s3://bucket/app', { AWS_DEFAULT_REGION: 'eu-west-1' }, undefined, 'eu-west-1', false],
    ['s3://bucket/app?region=eu-west-3', { AWS_REGION: 'eu-west-1' }, undefined, 'eu-west-3', false],
    ['s3:s3.amazonaws.com/bucket/app', {}, undefined, 'us-east-1', false],
    ['s3:s3.eu-central-1.amazonaws.com/bucket', { AWS_REGION: 'x' }, 'https://s3.eu-central-1.amazonaws.com', 'eu-central-1', false],
    ['s3:s3.dualstack.us-west-2.amazonaws.com/bucket', {}, 'https://s3.dualstack.us-west-2.amazonaws.com', 'us-west-2', false],
    ['s3://bucket?endpoint=https://s3.us-west-004.backblazeb2.com', {}, 'https://s3.us-west-004.backblazeb2.com', 'us-west-004', true],
    ['s3:http://localhost:9000/bucket', {}, 'http://localhost:9000', 'us-east-1', true],
    ['s3:https://minio.example.org/bucket?style=virtual', { AWS_REGION: 'home' }, 'https://minio.example.org', 'home', false],
    ['s3://bucket', { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:7480/' }, 'http://127.0.0.1:7480', 'us-east-1', true],
    ['s3://bucket', { AWS_ENDPOINT_URL: 'http://127.0.0.1:7480' }, 'http://127.0.0.1:7480', 'us-east-1', true],
  ])('%s', (url, environment, endpoint, region, pathStyle) => {
    expect(settings(url, environment)).toMatchObject({ endpoint, region, pathStyle });
  });

  it.each(['s3://bucket/app', 's3:http://localhost:9000/bucket/a/b'])('%s is told as it was written', (url) => {
    expect(settings(url).location).toBe(url);
  });
});

it('says how objects are stored', () => {
  expect(settings('s3://bucket?storage-class=STANDARD_IA').storageClass).toBe('STANDARD_IA');
  expect(settings('s3://bucket?storage-class=STANDARD_IA', {}, { storageClass: 'GLACIER_IR' }).storageClass).toBe('GLACIER_IR');
  expect(settings('s3://bucket?sse=AES256').encryption).toEqual({ algorithm: 'AES256', kmsKeyId: undefined });
  expect(settings('s3://bucket?sse=aws:kms&sse-kms-key-id=k1').encryption).toEqual({ algorithm: 'aws:kms', kmsKeyId: 'k1' });
});

it.each([
  ['s3://bucket?regoin=x', {}, /"regoin" is no parameter/],
  ['s3://bucket?style=odd', {}, /neither path nor virtual/],
  ['s3://bucket?sse=rot13', {}, /neither AES256/],
  ['s3://bucket?sse=AES256&sse-kms-key-id=k', {}, /wants sse=aws:kms/],
  ['s3://bucket', { AWS_ENDPOINT_URL: 'localhost:9000' }, /AWS_ENDPOINT_URL is no/],
])('%s is refused', (url, environment: StorageEnvironment, reason) => {
  expect(() => settings(url, environment)).toThrow(
    expect.objectContaining({ code: 'storage-url', message: expect.stringMatching(reason) as unknown }),
  );
});
