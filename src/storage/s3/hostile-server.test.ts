/** What a server may send that means harm, or is none for S3. Real connections; only the server's answers are made up. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ErrorCode } from '../../errors.ts';
import type { Storage } from '../storage.ts';
import { createS3Storage } from './s3-storage.ts';

let server: Server;
let storage: Storage;
let answer: (response: ServerResponse) => void;
beforeAll(async () => {
  server = createServer((_, response) => {
    response.on('error', () => {});
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const endpoint = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
  const environment = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  storage = await createS3Storage({ scheme: 's3', endpoint, bucket: 'any', prefix: '', parameters: {} }, { environment });
});
afterAll(async () => {
  await storage.close();
  server.closeAllConnections();
  server.close();
});

const xml = (response: ServerResponse, status: number, text: string): void =>
  void response.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(text) }).end(text);

/** Sends until nobody listens. */
function endless(response: ServerResponse, head: string): void {
  response.write(head);
  const piece = '<Contents><Key>index/a</Key><Size>1</Size></Contents>'.repeat(20_000);
  const more = (): void => {
    while (!response.destroyed && response.write(piece));
  };
  response.on('drain', more);
  more();
}

async function list(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list('')) keys.push(key);
  return keys;
}

it.each<[string, ErrorCode, (response: ServerResponse) => void]>([
  ['a list without end', 'storage-failed', (response) => endless(response.writeHead(200), '<ListBucketResult>')],
  ['an error without end', 'storage-failed', (response) => endless(response.writeHead(400), '<Error>')],
  [
    'a list that goes on nowhere',
    'storage-failed',
    (response) => xml(response, 200, '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>'),
  ],
  [
    'a list that goes round',
    'storage-failed',
    (response) =>
      xml(
        response,
        200,
        '<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken></ListBucketResult>',
      ),
  ],
  ['a page of another server', 'storage-refused', (response) => xml(response, 404, '<!doctype html><html><body>Not found</body></html>')],
  ['no XML', 'storage-failed', (response) => xml(response, 200, 'hello')],
  ['an overload', 'storage-failed', (response) => xml(response, 503, '<Error><Code>SlowDown</Code></Error>')],
  ['too many requests', 'storage-failed', (response) => xml(response, 429, '')],
  [
    'a bucket of another region',
    'storage-setup',
    (response) =>
      xml(
        response,
        400,
        `<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong; expecting 'eu-west-1'</Message></Error>`,
      ),
  ],
  [
    'a redirection',
    'storage-setup',
    (response) => void response.writeHead(301, { 'x-amz-bucket-region': 'eu-west-1', 'content-length': 0 }).end(),
  ],
  ['an unknown answer', 'storage-refused', (response) => xml(response, 418, '<Error><Code>Teapot</Code></Error>')],
])('%s: %s', async (_, code, give) => {
  answer = give;
  await expect(list()).rejects.toMatchObject({ code });
});

it('names of other programs in the bucket are passed over', async () => {
  const names = ['../outside', '/etc/passwd', 'index/a', 'data/', 'Photo 1.jpg', ''];
  const contents = names.map((name) => `<Contents><Key>${name}</Key><Size>1</Size></Contents>`).join('');
  answer = (response) => xml(response, 200, `<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`);
  expect(await list()).toEqual(['index/a']);
});

it.each<[string, ErrorCode, Record<string, string | number>, string]>([
  ['more than was asked for', 'storage-failed', { 'content-range': 'bytes 10-14/100', 'content-length': 9 }, 'too-much!'],
  ['another range', 'storage-failed', { 'content-range': 'bytes 0-4/100', 'content-length': 5 }, 'other'],
  ['less than was asked for', 'storage-failed', { 'content-range': 'bytes 10-12/100', 'content-length': 3 }, 'few'],
  ['an object that ends before', 'storage-short', { 'content-range': 'bytes 10-12/12', 'content-length': 3 }, 'few'],
])('a range: %s', async (_, code, headers, body) => {
  answer = (response) => void response.writeHead(206, headers).end(body);
  await expect(storage.get('data/00/a', { offset: 10, length: 5 })).rejects.toMatchObject({ code });
});

it('a server that knows no ranges sends everything, and what was asked for is taken', async () => {
  answer = (response) => void response.writeHead(200, { 'content-length': 20 }).end('0123456789abcdefghij');
  expect(Buffer.from(await storage.get('data/00/a', { offset: 10, length: 5 })).toString()).toBe('abcde');
});

it('an object that says it has terabytes is not read', async () => {
  answer = (response) => void response.writeHead(200, { 'content-length': 2 ** 42 }).write('x');
  await expect(storage.get('data/00/a')).rejects.toMatchObject({
    code: 'storage-failed',
    message: expect.stringContaining('more than one call') as unknown,
  });
});

it('an archived object says what to do', async () => {
  answer = (response) => xml(response, 403, '<Error><Code>InvalidObjectState</Code></Error>');
  await expect(storage.get('data/00/a')).rejects.toMatchObject({
    code: 'storage-refused',
    hint: expect.stringContaining('--retrieve') as unknown,
  });
});

it('a lock that only the server sees is told as one', async () => {
  const message = 'Access Denied because object protected by object lock.';
  answer = (response) => xml(response, 403, `<Error><Code>AccessDenied</Code><Message>${message}</Message></Error>`);
  await expect(storage.remove('data/00/a')).rejects.toMatchObject({ code: 'storage-locked' });
});
