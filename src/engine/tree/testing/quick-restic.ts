/**
 * Stock restic on a throw-away repository, for tests where it is the judge. Its own key files make every run wait most of a second
 * for scrypt; this one's key file asks for the least work that restic accepts, so dozens of runs are affordable.
 */
import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pLimit from 'p-limit';

import { deriveKey } from '../../crypto/key-derivation.ts';
import { openKeyFile, parseKeyFile } from '../../crypto/key-file.ts';
import { encodeMasterKey, splitDerivedKey } from '../../crypto/master-key.ts';
import { BufferSealer } from '../../crypto/sealer.ts';

const password = 'x';

export interface QuickRestic extends Disposable {
  /** A temporary folder for whatever the test needs; `repo` in it is the repository. */
  readonly folder: string;
  /** Runs restic (in UTC) and gives its stdout. Throws with its stderr when it fails. */
  run(args: readonly string[], cwd?: string): Buffer;
  /** The same without waiting; at most six at once, since restic mostly sleeps. */
  start(args: readonly string[], cwd?: string): Promise<Buffer>;
}

/** Makes a temporary folder, below another where one is given, and an empty repository in it. */
export async function quickRestic(above = tmpdir()): Promise<QuickRestic> {
  const folder = mkdtempSync(join(above, 'holdfast-restic-'));
  const env = { ...process.env, TZ: 'UTC', RESTIC_REPOSITORY: join(folder, 'repo'), RESTIC_PASSWORD: password };
  const run = (args: readonly string[], cwd = folder): Buffer => {
    const { status, stdout, stderr, error } = spawnSync('restic', ['--no-cache', ...args], { env, cwd, maxBuffer: 2 ** 28 });
    if (status !== 0) throw new Error(`restic ${args.join(' ')} failed (${error?.message ?? status}): ${String(stderr)}`);
    return stdout;
  };
  const limit = pLimit(6);
  const start = (args: readonly string[], cwd = folder): Promise<Buffer> =>
    limit(
      async () =>
        (await promisify(execFile)('restic', ['--no-cache', ...args], { env, cwd, maxBuffer: 2 ** 28, encoding: 'buffer' })).stdout,
    );
  run(['init']);
  await cheapenKey(join(folder, 'repo', 'keys'), password);
  return { folder, run, start, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Replaces the only key in a folder of keys by one that opens with the same password at once. */
export async function cheapenKey(keys: string, password: string): Promise<void> {
  const [name = ''] = readdirSync(keys);
  const bytes = readFileSync(join(keys, name));
  const master = await openKeyFile(parseKeyFile(bytes), password);
  if (master === undefined) throw new Error('the key of a new repository does not open');
  const derivation = { N: 2, r: 1, p: 1, salt: randomBytes(64) };
  const user = splitDerivedKey(await deriveKey(password, derivation));
  const cheap = Buffer.from(
    JSON.stringify({
      created: '2026-11-20T10:00:00Z',
      username: 'test',
      hostname: 'test',
      kdf: 'scrypt',
      N: derivation.N,
      r: derivation.r,
      p: derivation.p,
      salt: derivation.salt.toString('base64'),
      data: new BufferSealer(user).seal(encodeMasterKey(master)).toString('base64'),
    }),
  );
  rmSync(join(keys, name), { force: true });
  writeFileSync(join(keys, createHash('sha256').update(cheap).digest('hex')), cheap);
}
