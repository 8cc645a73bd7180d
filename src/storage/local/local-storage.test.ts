import { execFileSync, spawn } from 'node:child_process';
import { chmod, link, lstat, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isError } from '../../errors.ts';
import { storageContract } from '../testing/contract.ts';
import type { Storage } from '../storage.ts';
import { createLocalStorage } from './local-storage.ts';

const stagingName = '.holdfast-staging';
const day = 24 * 60 * 60 * 1000;

let folder: string;
let root: string;
let storage: Storage;

async function setUp(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-local-'));
  root = join(folder, 'repository');
  storage = createLocalStorage(root);
}

async function tearDown(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

storageContract('local', async () => {
  await setUp();
  return { storage, cleanup: tearDown };
});

storageContract('local behind a link', async () => {
  await setUp();
  await mkdir(join(folder, 'real'));
  await symlink('real', root);
  return { storage, cleanup: tearDown };
});

describe('local storage', () => {
  beforeEach(setUp);
  afterEach(tearDown);

  it('resolves a relative path once', () => {
    expect(createLocalStorage(relative(process.cwd(), root)).location).toBe(root);
  });

  it('keeps everything private to its owner', async () => {
    await storage.create();
    await storage.put('data/0f/object', bytes('x'));
    const file = await draftFile('y');
    await chmod(file, 0o644);
    await storage.putFile('data/1e/pack', file);
    await storage.put('keys/key', bytes('z'), { ifAbsent: true });
    for (const path of ['', 'data', 'data/0f', 'data/1e', 'keys', stagingName]) expect(await modeOf(join(root, path)), path).toBe(0o700);
    for (const path of ['data/0f/object', 'data/1e/pack', 'keys/key']) expect(await modeOf(join(root, path)), path).toBe(0o600);
  });

  it('leaves nothing behind in staging, whether a put succeeds or fails', async () => {
    await storage.create();
    await storage.put('config', bytes('1'), { ifAbsent: true });
    await storage.put('config', bytes('2'));
    await expectCode('storage-exists', storage.put('config', bytes('3'), { ifAbsent: true }));
    await mkdir(join(root, 'index'));
    await expectCode('storage-failed', storage.put('index', bytes('4')));
    expect(await readdir(join(root, stagingName))).toEqual([]);
    expect((await stat(join(root, 'config'))).nlink).toBe(1);
  });

  it('commits a file of its staging folder by renaming it', async () => {
    await storage.create();
    const file = await draftFile('pack');
    const inode = (await stat(file)).ino;
    await storage.putFile('data/0f/pack', file);
    expect((await stat(join(root, 'data/0f/pack'))).ino).toBe(inode);
  });

  it('removes the file also where it is a second name of the object', async () => {
    await storage.create();
    const file = await draftFile('pack');
    await link(file, join(root, 'pack'));
    await storage.putFile('pack', file);
    expect(await readdir(join(root, stagingName))).toEqual([]);
    expect(await storage.stat('pack')).toEqual({ key: 'pack', size: 4 });
  });

  it('refuses to store what a link points to', async () => {
    await storage.create();
    await writeFile(join(folder, 'secret'), 'secret');
    await symlink(join(folder, 'secret'), join(folder, 'link'));
    await expectCode('storage-failed', storage.putFile('config', join(folder, 'link')));
    expect(await storage.stat('config')).toBeUndefined();
  });

  it('does not make the root anew: the disk may not be mounted', async () => {
    await expectCode('storage-failed', storage.put('data/0f/object', bytes('x')));
    await expect(stat(root)).rejects.toThrow('ENOENT');
    expect(await keysOf(storage)).toEqual([]);
    await expectCode('storage-missing', storage.get('config'));
  });

  it('refuses a root that is a file', async () => {
    await writeFile(root, 'a file');
    await expectCode('storage-failed', storage.create());
  });

  it('fails, and does not hang, where no folder can be made', async () => {
    await expectCode('storage-failed', createLocalStorage('/proc/holdfast/repository').create());
  });

  it('makes what is missing above the root', async () => {
    storage = createLocalStorage(join(root, 'a/b/c'));
    await storage.create();
    await storage.put('config', bytes('1'));
    expect(await keysOf(storage)).toEqual(['config']);
  });

  it('goes on when somebody removes its folders', async () => {
    await storage.create();
    await storage.put('data/0f/one', bytes('1'));
    await rm(join(root, 'data'), { recursive: true });
    await storage.put('data/0f/two', bytes('2'));
    expect(await keysOf(storage)).toEqual(['data/0f/two']);
  });

  it('removes leftovers of a crash after a day, and only those', async () => {
    await storage.create();
    const staging = join(root, stagingName);
    await mkdir(staging, { mode: 0o700 });
    await writeFile(join(staging, 'old'), 'torn');
    await writeFile(join(staging, 'young'), 'torn');
    const written = new Date('2026-01-10T00:00:00Z');
    await utimes(join(staging, 'old'), written, written);
    await utimes(join(staging, 'young'), written, new Date(written.getTime() + 2000));
    const later = createLocalStorage(root, { clock: { now: () => new Date(written.getTime() + day + 1000) } });
    expect(await keysOf(later)).toEqual([]);
    expect((await readdir(staging)).toSorted()).toEqual(['old', 'young']);
    await later.put('config', bytes('1'));
    expect(await readdir(staging)).toEqual(['young']);
  });

  it('shows whole objects only after a process was killed while it wrote', async () => {
    await storage.create();
    const module = new URL('./local-storage.ts', import.meta.url).href;
    const script = `
      import { createLocalStorage } from ${JSON.stringify(module)};
      const storage = createLocalStorage(${JSON.stringify(root)});
      for (let n = 0; ; n += 1) {
        await Promise.all([0, 1, 2].map((i) => storage.put('data/0' + i + '/n' + n, new Uint8Array(3_000_000).fill(n % 251), { ifAbsent: i === 1 })));
        process.stdout.write('.');
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let rounds = 0;
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (dots: Buffer) => {
        rounds += dots.length;
        if (rounds >= 5) child.kill('SIGKILL');
      });
      child.on('close', () => resolve());
    });
    const keys = await keysOf(storage);
    expect(keys.length).toBeGreaterThanOrEqual(rounds * 3);
    for (const key of keys) {
      const data = await storage.get(key);
      expect(data.length).toBe(3_000_000);
      expect(data.every((byte) => byte === Number(key.slice(9)) % 251)).toBe(true);
    }
  });

  it('refuses a staging folder that is a link', async () => {
    await storage.create();
    await symlink(folder, join(root, stagingName));
    await expectCode('storage-failed', storage.put('config', bytes('1')));
  });

  it('lists only what can be an object', async () => {
    await storage.create();
    await storage.put('index/a', bytes('1'));
    await writeFile(join(root, 'index', '.DS_Store'), 'x');
    await writeFile(join(root, 'index', 'with space'), 'x');
    await mkdir(join(root, 'lost+found'));
    await symlink('nowhere', join(root, 'index', 'dangling'));
    await symlink('.', join(root, 'index', 'loop'));
    execFileSync('mkfifo', [join(root, 'index', 'pipe')]);
    /* A link to a folder is followed here, once: deeper it could be a loop for ever, as this one is. */
    expect(await keysOf(storage)).toEqual(['index/a', 'index/loop/a']);
  });

  it('follows a folder that is a link to another disk', async () => {
    await storage.create();
    await mkdir(join(folder, 'disk'));
    await symlink(join(folder, 'disk'), join(root, 'data'));
    await storage.put('data/0f/one', bytes('1'));
    expect(await keysOf(storage)).toEqual(['data/0f/one']);
    expect(await readdir(join(folder, 'disk'))).toEqual(['0f']);
  });

  it('does not wait for a pipe in the place of an object', async () => {
    await storage.create();
    execFileSync('mkfifo', [join(root, 'config')]);
    await expectCode('storage-failed', storage.get('config'));
    expect(await storage.stat('config')).toBeUndefined();
  });

  it('refuses to take an enormous file into memory, and reads ranges of it', async () => {
    await storage.create();
    execFileSync('truncate', ['-s', '4T', join(root, 'config')]);
    await expectCode('storage-failed', storage.get('config'));
    expect(await storage.get('config', { offset: 3 * 2 ** 40, length: 16 })).toHaveLength(16);
  });

  it('tells paths of objects, and no others', async () => {
    expect(storage.local?.path('data/0f/x')).toBe(join(root, 'data/0f/x'));
    expect(() => storage.local?.path('../x')).toThrow('not of the allowed form');
  });
});

const mountReason = whyNoMounts();

describe('local storage on a disk of 1 MiB', () => {
  let disk: string;
  beforeEach(async () => {
    await setUp();
    if (mountReason !== undefined) return;
    disk = join(folder, 'disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
    storage = createLocalStorage(join(disk, 'repository'));
    await storage.create();
  });
  afterEach(async () => {
    if (mountReason === undefined) execFileSync('umount', [disk]);
    await tearDown();
  });

  it.skipIf(mountReason !== undefined)(
    `says that the disk is full, keeps what was there, and goes on when there is space${because(mountReason)}`,
    async () => {
      await storage.put('data/00/kept', new Uint8Array(300_000).fill(7));
      await expectCode('storage-full', storage.put('data/01/large', new Uint8Array(2_000_000)));
      await expectCode('storage-full', storage.put('data/00/kept', new Uint8Array(2_000_000)));
      expect((await storage.get('data/00/kept')).every((byte) => byte === 7)).toBe(true);
      expect(await keysOf(storage)).toEqual(['data/00/kept']);
      expect(await readdir(join(disk, 'repository', stagingName))).toEqual([]);
      await storage.put('data/02/small', new Uint8Array(300_000));
      expect(await keysOf(storage)).toEqual(['data/00/kept', 'data/02/small']);
    },
  );

  it.skipIf(mountReason !== undefined)(`copies a file from another disk${because(mountReason)}`, async () => {
    const file = join(folder, 'elsewhere');
    await writeFile(file, 'from elsewhere', { mode: 0o644 });
    await storage.putFile('data/0f/pack', file, { ifAbsent: true });
    expect(new TextDecoder().decode(await storage.get('data/0f/pack'))).toBe('from elsewhere');
    expect(await modeOf(join(disk, 'repository/data/0f/pack'))).toBe(0o600);
    await expect(lstat(file)).rejects.toThrow('ENOENT');
    await writeFile(file, 'another');
    await expectCode('storage-exists', storage.putFile('data/0f/pack', file, { ifAbsent: true }));
    await storage.putFile('data/0f/pack', file);
    expect(new TextDecoder().decode(await storage.get('data/0f/pack'))).toBe('another');
    await writeFile(file, new Uint8Array(2_000_000));
    await expectCode('storage-full', storage.putFile('data/0f/large', file));
    expect((await stat(file)).size).toBe(2_000_000);
    expect(await readdir(join(disk, 'repository', stagingName))).toEqual([]);
  });

  it.skipIf(mountReason !== undefined)(
    `reads from a disk that may not be written, and says why it cannot write${because(mountReason)}`,
    async () => {
      await storage.put('config', bytes('1'));
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      expect(await storage.get('config')).toHaveLength(1);
      expect(await keysOf(storage)).toEqual(['config']);
      await expectCode('storage-denied', storage.put('other', bytes('2')));
      await expectCode('storage-denied', storage.remove('config'));
    },
  );
});

/* Root may write everywhere, so these ask a process of another user. */
const userReason = process.getuid?.() === 0 ? undefined : 'not root: cannot become another user';

describe('local storage of somebody else', () => {
  beforeEach(setUp);
  afterEach(tearDown);

  it.skipIf(userReason !== undefined)(`says that permission is denied${because(userReason)}`, async () => {
    await storage.create();
    await storage.put('config', bytes('1'));
    await storage.put('index/a', bytes('1'));
    await chmod(folder, 0o755);
    await chmod(root, 0o755);
    await chmod(join(root, 'index'), 0o755);
    const codes = asNobody(`
      const code = (call) => call.then(() => 'done', (error) => error.code);
      const storage = createLocalStorage(${JSON.stringify(root)});
      const codes = [];
      codes.push(await code(storage.get('config')), await code(storage.put('new', new Uint8Array(1))), await code(storage.remove('index/a')));
      codes.push(await code(storage.stat('config').then((info) => { if (info?.size !== 1) throw new Error('wrong'); })));
      console.log(codes.join(' '));`);
    expect(codes).toBe('storage-denied storage-denied storage-denied done');
  });
});

function asNobody(script: string): string {
  const module = new URL('./local-storage.ts', import.meta.url).href;
  const source = `import { createLocalStorage } from ${JSON.stringify(module)};\n${script}`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', source], {
    uid: 65534,
    gid: 65534,
    encoding: 'utf8',
    cwd: '/',
  });
  return output.trim();
}

function whyNoMounts(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root: cannot mount';
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'mounting is not allowed here';
  }
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : ` (NOT RUN: ${reason})`;
}

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

async function draftFile(content: string): Promise<string> {
  const path = join((await storage.local?.stagingFolder()) ?? 'no local access', 'draft');
  await writeFile(path, content);
  return path;
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

async function keysOf(from: Storage, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const info of from.list(prefix)) keys.push(info.key);
  return keys.toSorted();
}

async function expectCode(code: Parameters<typeof isError>[1], call: Promise<unknown>): Promise<void> {
  const failure: unknown = await call.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
  expect(isError(failure, code), `expected ${code}, but: ${String(failure)}`).toBe(true);
}
