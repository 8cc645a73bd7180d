/** `redis.json`: what a capture of a Redis server says about itself, so that it can be put back where and how it was. */
import { z } from 'zod';
import { HoldfastError } from '../../errors.ts';
import type { CapturedTree } from '../source.ts';
import { serverInfoSchema } from './server-info.ts';

export const snapshotPath = '/redis/dump.rdb';
export const manifestPath = '/redis/redis.json';

const manifestSchema = z.object({
  format: z.literal(1),
  server: serverInfoSchema,
  snapshot: z.object({
    /** Version of the RDB format. */
    version: z.int().nonnegative(),
    size: z.int().nonnegative(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    checksum: z.boolean(),
  }),
  takenAt: z.iso.datetime(),
});

export type RedisManifest = z.infer<typeof manifestSchema>;

const largestManifest = 16 * 1024 * 1024;

export function encodeRedisManifest(manifest: RedisManifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`, 'utf8');
}

/** The manifest of a captured server. Throws `redis-capture-missing` where there is none, `damaged` where it is not one. */
export async function readRedisManifest(from: CapturedTree): Promise<RedisManifest> {
  const there = new Set<string>();
  for await (const { path } of from.list('/redis')) there.add(path);
  for (const path of [snapshotPath, manifestPath])
    if (!there.has(path)) throw new HoldfastError('redis-capture-missing', { reason: `${path} is not in this point` });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of from.read(manifestPath)) {
    size += chunk.length;
    if (size > largestManifest) throw new HoldfastError('damaged', { object: manifestPath, reason: 'it is far larger than a manifest' });
    chunks.push(chunk);
  }
  try {
    return manifestSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (error) {
    throw new HoldfastError('damaged', { object: manifestPath, reason: 'it is not a manifest of a Redis server' }, error);
  }
}
