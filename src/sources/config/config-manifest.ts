/** `holdfast-config.json`: which templates a capture holds, and where they come from. */
import { z } from 'zod';
import { HoldfastError } from '../../errors.ts';
import type { CapturedTree } from '../source.ts';

export const configFolder = '/config';
export const configManifestPath = '/holdfast-config.json';

const manifestSchema = z.object({
  format: z.literal(1),
  folder: z.string().max(10_000),
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  files: z
    .array(z.object({ name: z.string().min(1).max(10_000), mode: z.int().nonnegative().max(0o777), blanked: z.int().nonnegative() }))
    .max(100_000),
});

export type ConfigManifest = z.infer<typeof manifestSchema>;

const largestManifest = 64 * 1024 * 1024;

/** Throws `config-capture-missing`, `damaged`. */
export async function readConfigManifest(from: CapturedTree): Promise<ConfigManifest> {
  let there = false;
  for await (const { path } of from.list('/')) there ||= path === configManifestPath;
  if (!there)
    throw new HoldfastError('config-capture-missing', {
      reason: 'this point holds no templates; files saved as they are come back as files do',
    });
  const bytes = await readAll(from, configManifestPath, largestManifest);
  try {
    return manifestSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new HoldfastError('damaged', { object: configManifestPath, reason: 'it is not a list of templates' }, error);
  }
}

/** A file of a capture as a whole. Throws `damaged` where it is larger than it may be. */
export async function readAll(from: CapturedTree, path: string, most: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of from.read(path)) {
    size += chunk.length;
    if (size > most) throw new HoldfastError('damaged', { object: path, reason: 'it is far larger than it can be' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
