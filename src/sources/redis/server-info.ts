/** What a server says of itself (INFO and CONFIG GET), in the form that is kept with a capture. */
import { z } from 'zod';

const text = z.string().max(10_000);
const count = z.number().nonnegative();

export const serverInfoSchema = z.object({
  version: text,
  /** `redis` or `valkey`. */
  product: text,
  /** `standalone`, `cluster`, `sentinel`. */
  mode: text,
  /** `master` or `slave`, in the server's own words. */
  role: text,
  appendOnly: z.boolean(),
  /** Bytes; 0 is without a limit. */
  maxMemory: count,
  usedMemory: count,
  /** Keys per database, shortly before the snapshot. */
  keys: z.record(z.string().regex(/^\d{1,6}$/), count),
  /** How it is set up; what the user may not see is absent. */
  dir: text.optional(),
  dbFileName: text.optional(),
  appendFileName: text.optional(),
  /** Since Redis 7. */
  appendDirName: text.optional(),
});

export type ServerInfo = z.infer<typeof serverInfoSchema>;

/** The fields of INFO's answer. */
export function parseInfo(answer: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of answer.split(/\r?\n/)) {
    const at = line.indexOf(':');
    if (at > 0 && !line.startsWith('#')) fields.set(line.slice(0, at), line.slice(at + 1));
  }
  return fields;
}

/** The settings asked for with CONFIG GET. */
export const wantedSettings = ['dir', 'dbfilename', 'appendonly', 'appendfilename', 'appenddirname', 'maxmemory'];

/** Puts both together. A server whose CONFIG is closed to the user tells less. */
export function readServerInfo(info: ReadonlyMap<string, string>, settings: ReadonlyMap<string, string>): ServerInfo {
  const valkey = info.get('valkey_version');
  const number = (value: string | undefined): number => Math.max(0, Number(value ?? 0) || 0);
  const keys: Record<string, number> = {};
  for (const [name, value] of info) {
    const database = /^db(\d{1,6})$/.exec(name)?.[1];
    const held = /^keys=(\d+)/.exec(value)?.[1];
    if (database !== undefined && held !== undefined) keys[database] = Number(held);
  }
  const setting = <Name extends string>(name: Name, from: string): { [key in Name]?: string } => {
    const value = settings.get(from);
    return (value === undefined || value === '' ? {} : { [name]: value }) as { [key in Name]?: string };
  };
  return {
    version: valkey ?? info.get('redis_version') ?? 'unknown',
    product: valkey === undefined ? 'redis' : 'valkey',
    mode: info.get('redis_mode') ?? 'standalone',
    role: info.get('role') ?? 'unknown',
    appendOnly: settings.get('appendonly') === 'yes' || info.get('aof_enabled') === '1',
    maxMemory: number(info.get('maxmemory') ?? settings.get('maxmemory')),
    usedMemory: number(info.get('used_memory')),
    keys,
    ...setting('dir', 'dir'),
    ...setting('dbFileName', 'dbfilename'),
    ...setting('appendFileName', 'appendfilename'),
    ...setting('appendDirName', 'appenddirname'),
  };
}

/** In all databases. */
export function countKeys(info: ServerInfo): number {
  return Object.values(info.keys).reduce((sum, keys) => sum + keys, 0);
}
