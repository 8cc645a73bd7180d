/**
 * The calls without koffi: getfattr, setfattr, mkfifo and mknod where they are installed, and Node's own call for times, which knows
 * microseconds. A program costs milliseconds, so reading goes through `readXattrsOfMany`. Paths travel on stdin, for xargs to hand on:
 * an argument of Node's cannot carry bytes that are not UTF-8, and there may be thousands.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, futimesSync, lstatSync, lutimesSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { decodePath, encodePath, fsPath } from '../../util/path-bytes.ts';
import { entryStatsOf, type EntryStats } from './entry-stats.ts';
import { SystemCallError, type PlatformCalls, type Xattr } from './system-calls.ts';

const mostOutput = 256 * 2 ** 20;
const pathsAtOnce = 2000;
const fileTypeMask = 0o170000;
const fifoType = 0o010000;
const blockType = 0o060000;
const characterType = 0o020000;

export function createProgramCalls(): PlatformCalls {
  return new ProgramCalls();
}

class ProgramCalls implements PlatformCalls {
  readonly limits: readonly string[];
  readonly slowXattrs = true;
  readonly readsXattrs = process.platform === 'linux' && isInstalled('getfattr') && isInstalled('xargs');
  readonly #writes = process.platform === 'linux' && isInstalled('setfattr');

  constructor() {
    const limits = [
      'Times are restored to the microsecond, not the nanosecond: the optional package koffi is not installed or does not work here.',
    ];
    if (!this.readsXattrs)
      limits.push(
        'Extended attributes and ACLs are not read: neither the optional package koffi nor the programs getfattr and xargs are here.',
      );
    if (!this.#writes)
      limits.push('Extended attributes and ACLs are not restored: neither the optional package koffi nor the program setfattr is here.');
    this.limits = limits;
  }

  statEntry(path: string): EntryStats {
    return entryStatsOf(lstatSync(fsPath(path), { bigint: true }));
  }

  readXattrs(file: string | number): Xattr[] {
    if (!this.readsXattrs) return [];
    const [found] = readBatch([pathOf(file)], linkFlag(file));
    return found ?? [];
  }

  readXattrsOfMany(paths: readonly string[]): (Xattr[] | undefined)[] {
    if (!this.readsXattrs) return paths.map(() => []);
    const all: (Xattr[] | undefined)[] = [];
    for (let at = 0; at < paths.length; at += pathsAtOnce) all.push(...readBatch(paths.slice(at, at + pathsAtOnce), linkFlag('')));
    return all;
  }

  setXattr(file: string | number, name: string, value: Uint8Array): void {
    if (!this.#writes) throw new SystemCallError('ENOSYS', `setxattr ${name}`, 'the program setfattr is not installed');
    // The dump's form, since an argument could show a value to every user of the machine.
    const dump = Buffer.concat([
      Buffer.from('# file: '),
      escapeName(pathOf(file)),
      Buffer.from('\n'),
      escapeName(name),
      Buffer.from(value.length > 0 ? `=0s${Buffer.from(value).toString('base64')}\n\n` : '=""\n\n'),
    ]);
    run('setfattr', [...linkFlag(file), '--restore=-'], `setxattr ${name}`, dump);
  }

  removeXattr(file: string | number, name: string): void {
    if (!this.#writes) throw new SystemCallError('ENOSYS', `removexattr ${name}`, 'the program setfattr is not installed');
    run(
      'xargs',
      ['-0', 'setfattr', ...linkFlag(file), '-x', name, '--'],
      `removexattr ${name}`,
      Buffer.concat([encodePath(pathOf(file)), Buffer.alloc(1)]),
    );
  }

  setTimes(file: string | number, atimeNs: bigint, mtimeNs: bigint): void {
    const [atime, mtime] = [Number(atimeNs) / 1e9, Number(mtimeNs) / 1e9];
    if (typeof file === 'number') futimesSync(file, atime, mtime);
    else lutimesSync(fsPath(file), atime, mtime);
  }

  returnFreedMemory(): void {}

  makeNode(path: string, mode: number, device: bigint): void {
    const type = mode & fileTypeMask;
    const target = Buffer.concat([encodePath(path), Buffer.alloc(1)]);
    const permissions = `--mode=${(mode & 0o777).toString(8)}`;
    if (type === fifoType) return run('xargs', ['-0', 'mkfifo', permissions, '--'], 'mkfifo', target);
    if (type !== blockType && type !== characterType)
      throw new SystemCallError('ENOSYS', 'mknod', 'the optional package koffi is not installed');
    const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
    const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffff_ffffn);
    return run(
      'sh',
      ['-c', `xargs -0 sh -c 'mknod ${permissions} -- "$1" ${type === blockType ? 'b' : 'c'} ${major} ${minor}' sh`],
      'mknod',
      target,
    );
  }
}

function readBatch(paths: readonly string[], flags: readonly string[]): (Xattr[] | undefined)[] {
  const input = Buffer.concat(paths.flatMap((path) => [encodePath(path), Buffer.alloc(1)]));
  const result = spawnSync('xargs', ['-0', 'getfattr', ...flags, '-d', '-m', '-', '-e', 'base64', '--absolute-names', '--'], {
    input,
    maxBuffer: mostOutput,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: programEnvironment(),
  });
  if (result.error !== undefined) throw result.error;
  const found = parseDump(result.stdout);
  // getfattr names what it could not read, and says nothing of a file without attributes.
  const complaints = decodePath(result.stderr);
  return paths.map((path) => {
    const attributes = found.get(path);
    return attributes === undefined && complaints.includes(`${path}: `) && !complaints.includes(`${path}: Operation not supported`)
      ? undefined
      : (attributes ?? []);
  });
}

/** What getfattr prints: `# file: PATH`, then `NAME=0sBASE64` a line; odd bytes of both as `\ooo`. */
function parseDump(dump: Buffer): Map<string, Xattr[]> {
  const files = new Map<string, Xattr[]>();
  let current: Xattr[] = [];
  for (const line of dump.toString('latin1').split('\n')) {
    if (line.startsWith('# file: ')) {
      current = [];
      files.set(unescapeName(line.slice(8)), current);
    } else if (line !== '' && !line.startsWith('#')) {
      const equals = line.indexOf('=0s');
      const name = unescapeName(equals < 0 ? line.replace(/=$/, '') : line.slice(0, equals));
      current.push({ name, value: equals < 0 ? Buffer.alloc(0) : Buffer.from(line.slice(equals + 3), 'base64') });
    }
  }
  for (const attributes of files.values()) attributes.sort((a, b) => (a.name < b.name ? -1 : 1));
  return files;
}

/** A name's bytes from getfattr's text, read as latin1. */
function unescapeName(text: string): string {
  return decodePath(
    Buffer.from(
      text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
      'latin1',
    ),
  );
}

function escapeName(name: string): Buffer {
  const escaped = encodePath(name)
    .toString('latin1')
    .replaceAll(/[\\\n\r=]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return Buffer.from(escaped, 'latin1');
}

/** The link of a descriptor in /proc is there to be followed; no other is. */
function linkFlag(file: string | number): readonly string[] {
  return typeof file === 'number' ? [] : ['-h'];
}

function pathOf(file: string | number): string {
  return typeof file === 'number' ? `/proc/${process.pid}/fd/${file}` : file;
}

function run(program: string, args: readonly string[], call: string, input: Buffer): void {
  const result = spawnSync(program, [...args], { input, stdio: ['pipe', 'ignore', 'pipe'], env: programEnvironment() });
  if (result.error !== undefined) throw result.error;
  if (result.status === 0) return;
  const complaint = result.stderr.toString('utf8').trim().split('\n')[0] ?? '';
  throw new SystemCallError(
    complaint.includes('permitted') ? 'EPERM' : complaint.includes('not supported') ? 'ENOTSUP' : 'EIO',
    call,
    complaint || `${program} failed`,
  );
}

function programEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' };
}

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '/usr/bin:/bin').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
