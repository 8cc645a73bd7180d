/**
 * An archive put back as a stranger would: by the commands that its own README prints, with the programs of the system and without holdfast.
 * The database goes into a server that never saw the application.
 */
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startCluster, type ThrowawayCluster } from '../../harness/postgres/throwaway-cluster.ts';
import { readRows } from '../systems/fingerprint.ts';
import { runProgram } from '../systems/run-program.ts';
import type { System } from '../systems/system.ts';

export type Opening = 'plain' | 'gpg' | 'age' | 'passphrase';

export interface PutBackArchive {
  /** README.txt. */
  readonly readme: string;
  /** Names in the archive. */
  readonly files: readonly string[];
  /** Where files went. */
  readonly target: string;
  readonly cluster: ThrowawayCluster;
  /** As `readRows` of the system, of the server that it was put back on. */
  rows(): Promise<Record<string, string>>;
  /** Runs a line of a shell where the archive is, with the same variables. What it printed. */
  shell(line: string): Promise<string>;
}

export interface OpenArchiveRequest {
  readonly opening: Opening;
  /** Words for `holdfast archive`. */
  readonly words: readonly string[];
  readonly check: (found: PutBackArchive) => Promise<void>;
}

/** Archives the newest point, removes what could help, and puts it back. */
export async function withArchive(system: System, { opening, words, check }: OpenArchiveRequest): Promise<void> {
  const place = join(system.scratch, `archive-${opening}`);
  const keys = await makeKeys(join(place, 'keys'), opening);
  const archives = join(place, 'archives');
  expect(await system.succeed('archive', '--to', archives, ...words, ...keys.words)).toContain('read back and compared');
  const cluster = await startCluster();
  try {
    const path = [cluster.toolsFolder, '/usr/bin', '/bin'].join(':');
    const target = join(place, 'put-back');
    const env = {
      PATH: path,
      HOME: place,
      PGHOST: cluster.socketFolder,
      PGPORT: String(cluster.port),
      PGUSER: cluster.superuser,
      TARGET: target,
      ...keys.env,
    };
    expect((await runProgram('/bin/sh', ['-c', 'command -v holdfast restic'], { cwd: place, env })).status).not.toBe(0);
    const folder = await unpack(archives, env);
    const shell = (line: string): Promise<string> => runShell(line, folder, env);
    const readme = await readFile(join(folder, 'README.txt'), 'utf8');
    await shell(commandsOf(readme));
    /* It has the password of the application's server now, as the README says. */
    await shell(`psql --quiet --dbname=postgres --command="ALTER ROLE postgres PASSWORD '${cluster.password}'"`);
    const { rows } = system.description;
    const query: System['query'] = (sql, database = rows) => cluster.query(sql, database);
    await check({ readme, files: await readdir(folder), target, cluster, rows: () => readRows({ ...system, query }), shell });
  } finally {
    await cluster.stop();
    if (opening !== 'plain') await runProgram('gpgconf', ['--kill', 'all'], { cwd: place, env: { PATH: '/usr/bin:/bin', ...keys.env } });
    await rm(place, { recursive: true, force: true });
  }
}

/** Lines that begin with four spaces are commands; what is marked as a comment was done to get here. */
function commandsOf(readme: string): string {
  const lines = readme.split('\n').filter((line) => /^ {4}[^ #]/.test(line));
  expect(lines.length).toBeGreaterThan(3);
  return lines.join('\n');
}

/** The folder of an archive; one that is a single file is unpacked by what its name says. */
async function unpack(archives: string, env: Readonly<Record<string, string>>): Promise<string> {
  const found = await readdir(archives);
  expect(found).toHaveLength(1);
  const [name = ''] = found;
  if (!name.includes('.tar')) return join(archives, name);
  const read = name.endsWith('.gpg')
    ? `gpg --quiet --decrypt ${name}`
    : name.endsWith('.age')
      ? `age -d -i "$AGE_KEY" ${name}`
      : `cat ${name}`;
  await runShell(`${read} | ${name.includes('.tar.zst') ? 'zstd -dc' : 'gunzip'} | tar -x`, archives, env);
  return join(archives, name.replace(/\.tar.*$/, ''));
}

async function runShell(script: string, cwd: string, env: Readonly<Record<string, string>>): Promise<string> {
  /* A pipe must not hide that its first command failed. */
  const { status, stdout, stderr } = await runProgram('/bin/bash', ['-e', '-o', 'pipefail', '-c', script], { cwd, env });
  expect(status, `${script}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

interface Keys {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

async function makeKeys(folder: string, opening: Opening): Promise<Keys> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [home, publicKey, passphrase] = [join(folder, 'gpg'), join(folder, 'ops.asc'), join(folder, 'passphrase')];
  const env = { PATH: '/usr/bin:/bin', GNUPGHOME: home };
  switch (opening) {
    case 'plain':
      return { words: [], env: {} };
    case 'gpg': {
      await mkdir(home, { mode: 0o700 });
      const make = "gpg --batch --quiet --passphrase '' --quick-generate-key ops@example.org future-default default never";
      await runShell(`${make} && gpg --export --armor ops@example.org > ${publicKey}`, folder, env);
      /* As on the machine of the application: a public key in a file, and no keyring. */
      return { words: ['--gpg', publicKey], env: { GNUPGHOME: home } };
    }
    case 'age': {
      const key = join(folder, 'age.txt');
      const recipient = (await runShell(`age-keygen -o ${key} 2> /dev/null && age-keygen -y ${key}`, folder, env)).trim();
      return { words: ['--age', recipient], env: { AGE_KEY: key } };
    }
    case 'passphrase': {
      await mkdir(home, { mode: 0o700 });
      await writeFile(passphrase, 'correct horse battery staple\n', { mode: 0o600 });
      /* What a person types. */
      await writeFile(join(home, 'gpg.conf'), `batch\npinentry-mode loopback\npassphrase-file ${passphrase}\n`);
      return { words: ['--passphrase-file', passphrase], env: { GNUPGHOME: home } };
    }
  }
}
