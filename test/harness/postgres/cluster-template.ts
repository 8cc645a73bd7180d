/**
 * New data directories for tests: initdb is run once a machine for each version and each choice, and its result is copied from a cache folder.
 * Every copy is a cluster of its own: it gets another system identifier.
 */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32c } from '../../../src/util/crc32c.ts';
import { asServerUser, environment, serverUser } from './cluster-process.ts';

export interface TemplateChoice {
  readonly version: number;
  readonly toolsFolder: string;
  readonly checksums?: boolean | undefined;
  readonly segmentMegabytes?: number | undefined;
}

/** Changes when the recipe does, so that what is cached is never an old one. */
const recipe = 1;

/** Puts a new cluster's data directory at `data`, which is not there yet. Its superuser's password. */
export async function copyTemplate(choice: TemplateChoice, data: string): Promise<string> {
  const template = await findTemplate(choice);
  run('cp', ['-a', '--reflink=auto', join(template, 'data'), data]);
  await changeIdentifier(data);
  return (await readFile(join(template, 'password'), 'utf8')).trim();
}

async function findTemplate(choice: TemplateChoice): Promise<string> {
  const words = initdbOptions(choice);
  const { mtimeMs, size } = await stat(join(choice.toolsFolder, 'initdb'));
  const key = createHash('sha256')
    .update(JSON.stringify([recipe, choice.toolsFolder, mtimeMs, size, words]))
    .digest('hex')
    .slice(0, 16);
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'holdfast-test', 'clusters', `${choice.version}-${key}`);
  if (!existsSync(folder)) await makeTemplate(choice, words, folder);
  return folder;
}

function initdbOptions({ version, checksums, segmentMegabytes }: TemplateChoice): string[] {
  return [
    ...['-U', 'postgres', '--auth-local=trust', '--auth-host=scram-sha-256', '-E', 'UTF8', '--locale=C.UTF-8', '-N'],
    ...(segmentMegabytes === undefined ? [] : [`--wal-segsize=${segmentMegabytes}`]),
    ...(checksums === true ? ['--data-checksums'] : []),
    /* Since 18, checksums are on unless one says otherwise. */
    ...(checksums === false && version >= 18 ? ['--no-data-checksums'] : []),
  ];
}

async function makeTemplate({ toolsFolder }: TemplateChoice, options: readonly string[], folder: string): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-template-'));
  try {
    const passwordFile = join(root, 'password');
    await writeFile(passwordFile, `${randomBytes(12).toString('hex')}\n`, { mode: 0o600 });
    const identity = serverUser();
    if (identity !== undefined) for (const path of [root, passwordFile]) await chown(path, identity.uid, identity.gid);
    const [file = '', ...args] = asServerUser([
      join(toolsFolder, 'initdb'),
      '-D',
      join(root, 'data'),
      `--pwfile=${passwordFile}`,
      ...options,
    ]);
    run(file, args, environment(root, toolsFolder));
    await mkdir(dirname(folder), { recursive: true });
    const copy = await mkdtemp(`${folder}.`);
    run('cp', ['-a', join(root, 'data'), passwordFile, copy]);
    /* Of several processes that make it at once, the first to be finished wins. */
    await rename(copy, folder).catch(async (error: unknown) => {
      await rm(copy, { recursive: true, force: true });
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** It stands at the beginning of pg_control, and in the first page of each segment of WAL. */
async function changeIdentifier(data: string): Promise<void> {
  const identifier = Buffer.alloc(8);
  identifier.writeUInt32LE(randomInt(2 ** 32), 0);
  /* A server takes seconds since 1970 for this half. */
  identifier.writeUInt32LE(2 ** 30 + randomInt(2 ** 29), 4);
  await overwrite(join(data, 'global/pg_control'), (content) => {
    const end = findChecksum(content);
    content.set(identifier, 0);
    content.writeUInt32LE(crc32c(content.subarray(0, end)), end);
  });
  for (const name of await readdir(join(data, 'pg_wal')))
    if (/^[0-9A-F]{24}$/.test(name)) await overwrite(join(data, 'pg_wal', name), (content) => content.set(identifier, 24));
}

/** The checksum is over all that is before it; how much that is differs from version to version. */
function findChecksum(content: Buffer): number {
  for (let at = 200; at < 512; at += 4) if (crc32c(content.subarray(0, at)) === content.readUInt32LE(at)) return at;
  throw new Error('pg_control has no checksum where one was looked for');
}

async function overwrite(path: string, change: (head: Buffer) => void): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    const head = Buffer.alloc(512);
    await handle.read(head, 0, head.length, 0);
    change(head);
    await handle.write(head, 0, head.length, 0);
  } finally {
    await handle.close();
  }
}

function run(file: string, args: readonly string[], env?: Record<string, string>): void {
  const done = spawnSync(file, args, { encoding: 'utf8', cwd: '/', ...(env === undefined ? {} : { env }) });
  if (done.status !== 0) throw new Error(`Cannot create a cluster: ${done.error?.message ?? done.stderr}`);
}
