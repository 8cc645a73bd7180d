/**
 * `npm run complete-lock`, after `npm install`: writes into the lock the packages of other platforms that the registry at hand does not
 * serve. npm leaves them out of the lock, and `npm ci` then fails wherever the registry does serve them, or asks for them in vain.
 */
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from './run-program.ts';

/* The keys in npm's own order, and packages as they come: the lock is written again as npm would write it. */
const lockSchema = z.strictObject({
  name: z.string(),
  version: z.string(),
  lockfileVersion: z.literal(3),
  requires: z.literal(true),
  packages: z.record(
    z.string(),
    z.custom<object>((value) => typeof value === 'object'),
  ),
});
const packageSchema = z.object({ dev: z.boolean().default(false), optionalDependencies: z.record(z.string(), z.string()).default({}) });
type Lock = z.infer<typeof lockSchema>;

interface MissingPackage {
  readonly name: string;
  readonly version: string;
  /** Needed by a development dependency only. */
  readonly dev: boolean;
}

/** The optional packages that a lock leaves out. */
export function missingFromLock(lock: Lock): MissingPackage[] {
  const missing = new Map<string, MissingPackage>();
  for (const [path, entry] of Object.entries(lock.packages)) {
    const { dev, optionalDependencies } = packageSchema.parse(entry);
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const isThere = `node_modules/${name}` in lock.packages || `${path}/node_modules/${name}` in lock.packages;
      if (!isThere) missing.set(name, { name, version, dev });
    }
  }
  return [...missing.values()];
}

export function readLock(): Lock {
  return lockSchema.parse(JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')));
}

/** Enough for npm to know that another platform's package is not for this machine. Its hash is checked by npm where it is installed. */
function describeMissing({ name, version, dev }: MissingPackage): object {
  const match = /(aix|android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|ia32|ppc64|riscv64|s390x|x64)/.exec(name);
  const [, os, cpu] = match ?? [];
  if (os === undefined || cpu === undefined || !/^\d/.test(version))
    throw new Error(`Cannot complete the lock: ${name}@${version} names no platform.`);
  const libc = /musl/.test(name) ? { libc: ['musl'] } : /gnu/.test(name) ? { libc: ['glibc'] } : {};
  return { version, cpu: [cpu], ...(dev ? { dev } : {}), ...libc, optional: true, os: [os] };
}

if (import.meta.main) {
  const path = join(projectRoot, 'package-lock.json');
  const lock = readLock();
  const missing = missingFromLock(lock);
  if (missing.length > 0) {
    const { atime, mtime } = statSync(path);
    const added = missing.map((one) => [`node_modules/${one.name}`, describeMissing(one)] as const);
    const packages = Object.fromEntries([...Object.entries(lock.packages), ...added].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(path, `${JSON.stringify({ ...lock, packages }, null, 2)}\n`);
    // What is installed here is what the lock says, before and after: no reason to install again.
    utimesSync(path, atime, mtime);
  }
  process.stdout.write(`package-lock.json: ${missing.length} packages added\n`);
}
