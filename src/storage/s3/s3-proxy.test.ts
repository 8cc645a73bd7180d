/** Through a web proxy, or past it, as the environment says. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isError } from '../../errors.ts';
import { createS3Storage } from './s3-storage.ts';

let proxy: Server;
let address: string;
const seen: string[] = [];
beforeAll(async () => {
  proxy = createServer(({ url = '' }, response) => {
    seen.push(url);
    response.writeHead(200, { 'content-type': 'application/xml' }).end('<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>');
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const bound = proxy.address();
  address = `http://127.0.0.1:${bound !== null && typeof bound === 'object' ? bound.port : 0}`;
});
afterAll(() => {
  proxy.closeAllConnections();
  proxy.close();
});

async function list(environment: Record<string, string>): Promise<void> {
  const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  const place = { scheme: 's3', endpoint: 'http://store.invalid', bucket: 'any', prefix: '', parameters: {} } as const;
  const storage = await createS3Storage(place, { environment: { ...keys, ...environment } });
  try {
    for await (const { key } of storage.list('')) expect(key).toBe('nothing is there');
  } finally {
    await storage.close();
  }
}

it('asks the proxy for what lies behind it, and not for what NO_PROXY names', async () => {
  await list({ HTTP_PROXY: address });
  expect(seen).toEqual([expect.stringMatching(/^http:\/\/store\.invalid\/any\/\?/)]);
  await expect(list({ HTTP_PROXY: address, NO_PROXY: 'store.invalid' })).rejects.toSatisfy((error) => isError(error, 'storage-failed'));
  expect(seen).toHaveLength(1);
});
