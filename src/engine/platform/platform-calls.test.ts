import { execFileSync } from 'node:child_process';
import { closeSync, lstatSync, mkdtempSync, openSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePath, fsPath } from '../../util/path-bytes.ts';
import { loadNativeCalls } from './native-calls.ts';
import { createProgramCalls } from './program-calls.ts';
import { platformCalls } from './platform-calls.ts';

const isRoot = process.getuid?.() === 0;
const native = loadNativeCalls();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-platform-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('chooses libc where koffi is installed, and then nothing is missing', () => {
  expect(native).toBeDefined();
  expect(platformCalls().limits).toEqual([]);
  expect(platformCalls().slowXattrs).toBe(false);
});

it('sets times to the nanosecond through libc, before 1970 too, and never through a link', () => {
  const file = join(folder, 'times');
  const link = join(folder, 'times-link');
  writeFileSync(file, 'x');
  symlinkSync(file, link);
  native?.setTimes(file, 1_234_567_890_123_456_789n, -1n);
  native?.setTimes(link, 7n, 1_000_000_000_000_000_001n);
  expect(statSync(file, { bigint: true })).toMatchObject({ atimeNs: 1_234_567_890_123_456_789n, mtimeNs: -1n });
  expect(lstatSync(link, { bigint: true }).mtimeNs).toBe(1_000_000_000_000_000_001n);
  const fd = openSync(file, 'r');
  native?.setTimes(fd, 5n, 6n);
  closeSync(fd);
  expect(statSync(file, { bigint: true })).toMatchObject({ atimeNs: 5n, mtimeNs: 6n });
});

describe.each([
  ['libc', () => native],
  ['programs', () => createProgramCalls()],
])('%s', (label, load) => {
  const calls = load();
  if (calls === undefined) throw new Error(`${label} is not there`);
  const names = { plain: 'plain file', odd: 'odd = \\ \n name', bytes: decodePath(Buffer.from([0x62, 0xff, 0x2e])) };

  it.each(Object.entries(names))('writes and reads attributes of a file with a %s name', (_, name) => {
    const file = join(folder, `${label} ${name}`);
    writeFileSync(fsPath(file), 'x');
    expect(calls.readXattrs(file)).toEqual([]);
    const binary = Buffer.from([0, 1, 2, 255, 10, 61]);
    calls.setXattr(file, 'user.second', binary);
    calls.setXattr(file, 'user.first', Buffer.from('text'));
    calls.setXattr(file, 'user.empty', Buffer.alloc(0));
    const expected = [
      { name: 'user.empty', value: Buffer.alloc(0) },
      { name: 'user.first', value: Buffer.from('text') },
      { name: 'user.second', value: binary },
    ];
    expect(calls.readXattrs(file)).toEqual(expected);
    const fd = openSync(fsPath(file), 'r');
    expect(calls.readXattrs(fd)).toEqual(expected);
    calls.setXattr(fd, 'user.first', Buffer.from('text'));
    calls.setTimes(fd, 1_000_000_000_000_000_000n, 1_100_000_000_500_000_000n);
    expect(statSync(fsPath(file)).mtimeMs).toBe(1_100_000_000_500);
    closeSync(fd);
    calls.removeXattr(file, 'user.second');
    calls.removeXattr(file, 'user.empty');
    expect(calls.readXattrsOfMany([file, folder])).toEqual([[expected[1]], []]);
  });

  it('reads an ACL as the attribute it is', () => {
    const file = join(folder, `${label} acl`);
    writeFileSync(file, 'x');
    execFileSync('setfacl', ['-m', 'u:1234:rw', file]);
    const [acl] = calls.readXattrs(file);
    expect(acl?.name).toBe('system.posix_acl_access');
    const copy = join(folder, `${label} acl copy`);
    writeFileSync(copy, 'x');
    calls.setXattr(copy, 'system.posix_acl_access', acl?.value ?? Buffer.alloc(0));
    expect(execFileSync('getfacl', ['-c', copy], { encoding: 'utf8' })).toContain('user:1234:rw-');
  });

  it('never follows a link, and says what is not there', () => {
    const file = join(folder, `${label} real`);
    const link = join(folder, `${label} link`);
    writeFileSync(file, 'x');
    symlinkSync(file, link);
    calls.setXattr(file, 'user.a', Buffer.from('1'));
    expect(calls.readXattrs(link)).toEqual([]);
    expect(calls.readXattrsOfMany([join(folder, 'absent'), file])).toEqual([undefined, [{ name: 'user.a', value: Buffer.from('1') }]]);
  });

  it.runIf(isRoot)('makes FIFOs and devices', () => {
    const fifo = join(folder, `${label} fifo ${names.bytes}`);
    calls.makeNode(fifo, 0o010640, 0n);
    expect(lstatSync(fsPath(fifo)).isFIFO()).toBe(true);
    const device = join(folder, `${label} null`);
    calls.makeNode(device, 0o020666, 0x103n);
    expect(lstatSync(device).isCharacterDevice()).toBe(true);
    expect(lstatSync(device).rdev).toBe(0x103);
    expect(() => calls.makeNode(fifo, 0o010640, 0n)).toThrow('fifo');
  });
});

it('says of a failing call what and why, with the code', () => {
  expect(() => native?.readXattrs(join(folder, 'absent'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  expect(() => native?.setXattr(folder, 'nonsense', Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'ENOTSUP' }));
});
