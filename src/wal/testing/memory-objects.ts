/** WAL objects in memory, for tests of arithmetic over archives that would take long to seal. */
import { HoldfastError } from '../../errors.ts';
import type { WalObjects } from '../wal-objects.ts';

export interface MemoryObjects extends WalObjects {
  readonly stored: Map<string, { readonly header: unknown; readonly body: Buffer }>;
}

export function createMemoryObjects(): MemoryObjects {
  const stored = new Map<string, { readonly header: unknown; readonly body: Buffer }>();
  const find = (name: string): { readonly header: unknown; readonly body: Buffer } => {
    const found = stored.get(name);
    if (found === undefined) throw new HoldfastError('storage-missing', { key: name, location: 'memory' });
    return found;
  };
  return {
    stored,
    put: (name, header, body, options = {}) => {
      if (options.ifAbsent === true && stored.has(name))
        return Promise.reject(new HoldfastError('storage-exists', { key: name, location: 'memory' }));
      const json: unknown = JSON.parse(JSON.stringify(header));
      stored.set(name, { header: json, body: Buffer.from(body) });
      return Promise.resolve(body.length);
    },
    get: async (name) => Promise.resolve(find(name)),
    head: async (name) => Promise.resolve(find(name).header),
    list: async function* (prefix) {
      await Promise.resolve();
      for (const [name, { body }] of stored) if (name.startsWith(prefix)) yield { name, size: body.length };
    },
    remove: (name) => {
      stored.delete(name);
      return Promise.resolve();
    },
  };
}
