/** This machine: the folders where holdfast writes, and what it runs on. */
import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from '../../errors.ts';
import { runSubprocess } from '../../util/subprocess.ts';
import { failed, ok, sizeText, warning, type Check } from './check.ts';

const leastState = 64 * 1024 * 1024;
/** Packs are built there on their way to a store, and archives. */
const leastTemporary = 512 * 1024 * 1024;
const leastFiles = 1000;
const leastNode = 24;

/** Journals of recoveries and notes of stopped services go there: a recovery cannot begin without it. */
export async function checkStateFolder(folder: string): Promise<Check> {
  const name = 'host: state folder';
  const probe = join(folder, `doctor-${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(probe, 'can be written', { mode: 0o600 });
    await rm(probe, { force: true });
    const room = await lackOfRoom(folder, leastState);
    if (room !== undefined) return warning(name, room, 'Free space there, or set HOLDFAST_STATE to another folder.');
    const { mode } = await stat(folder);
    if ((mode & 0o022) !== 0)
      return warning(
        name,
        `others than its owner may write in ${folder} (${modeText(mode)}), and so make holdfast do things`,
        `Take that away:\nchmod 700 ${folder}`,
      );
    return ok(name, `${folder} can be written`);
  } catch (error) {
    await rm(probe, { force: true }).catch(() => {});
    const remedy = 'Let the user who runs holdfast write there, or set HOLDFAST_STATE to a folder of its own.';
    return failed(name, `${folder} cannot be written (${reasonOf(error)})`, remedy);
  }
}

export async function checkTemporaryFolder(): Promise<Check> {
  const name = 'host: temporary folder';
  const folder = tmpdir();
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    const room = await lackOfRoom(folder, leastTemporary);
    if (room !== undefined)
      return warning(name, `${room}, and packs and archives are put together there`, 'Free space there, or set TMPDIR to another folder.');
    return ok(name, `${folder} can be written`);
  } catch (error) {
    return failed(name, `${folder} cannot be written (${reasonOf(error)})`, 'Put that right, or set TMPDIR to another folder.');
  }
}

/** What is short, in words; undefined where there is enough. */
async function lackOfRoom(folder: string, least: number): Promise<string | undefined> {
  const { bavail, bsize, ffree, files } = await statfs(folder);
  if (bavail * bsize < least) return `${folder} has ${sizeText(bavail * bsize)} left`;
  return files > 0 && ffree < leastFiles ? `the file system of ${folder} has room for ${ffree} more files` : undefined;
}

/** `0755`. */
export function modeText(mode: number): string {
  return `0${(mode & 0o777).toString(8).padStart(3, '0')}`;
}

export function checkNode(version: string): Check {
  const name = 'host: node';
  const major = Number(version.split('.')[0]);
  if (major >= leastNode) return ok(name, `Node.js ${version}`);
  return failed(name, `Node.js ${version} runs this, and holdfast needs ${leastNode} or newer`, 'Install a newer one: https://nodejs.org');
}

/** What holdfast writes, restic reads: it is good to have where holdfast is not, and never needed. */
export async function checkRestic(environment: Readonly<Record<string, string | undefined>>): Promise<Check> {
  const name = 'host: restic';
  const version = await askProgram('restic', ['version'], environment);
  return ok(
    name,
    version === undefined ? 'restic is not installed; nothing here needs it' : `${version}: it too could read the repositories`,
  );
}

/** Programs that some part of the configuration runs. */
export interface NeededProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** What cannot be done without it. */
  readonly for: string;
  readonly packageName: string;
}

export async function checkProgram(needed: NeededProgram, environment: Readonly<Record<string, string | undefined>>): Promise<Check> {
  const name = `host: ${needed.file}`;
  const version = await askProgram(needed.file, needed.args, environment);
  if (version !== undefined) return ok(name, version);
  return failed(name, `${needed.file} cannot be run, and ${needed.for}`, `Install it:\napt-get install ${needed.packageName}`);
}

/** The first line that it says of itself; undefined where it cannot be run. */
async function askProgram(
  file: string,
  args: readonly string[],
  { PATH = '', HOME = '' }: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const { status, stdout } = await runSubprocess({ file, args, env: { PATH, HOME, LC_ALL: 'C' } });
  return status === 0 ? (stdout.toString('utf8').split('\n')[0]?.slice(0, 100) ?? '') : undefined;
}
