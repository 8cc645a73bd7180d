/** Makes a real folder with every kind of entry that a backup meets, and everything an entry can carry. */
import { chmodSync, lchownSync, lutimesSync, mkdirSync, writeFileSync } from 'node:fs';
import { joinBytes } from './byte-paths.ts';
import { makeLinks } from './make-links.ts';
import { makeNamedFiles } from './make-names.ts';
import { makeSpecialFiles } from './make-special-files.ts';
import { setAttributes } from './set-attributes.ts';
import { runOnPaths } from './run-on-paths.ts';
import { noiseBytes, seededBelow, textBytes } from './seeded-bytes.ts';

export type TreeSize = 'tiny' | 'small' | 'medium';

export interface TreeOptions {
  /** The same seed makes the same tree, but for the times that are left as they come. */
  readonly seed: string | number;
  /** `tiny` (the default): about 250 entries, 24 MB of sizes; `small`: 580, 31 MB; `medium`: 3300, 70 MB. */
  readonly size?: TreeSize;
}

export interface MadeTree {
  /** What this machine or user could not make, in words: `character device: EPERM …`. Empty for root on ext4 and tmpfs. */
  readonly leftOut: readonly string[];
}

/** What the makers of parts share. */
export interface TreeInProgress {
  readonly folder: string;
  readonly seed: string;
  readonly root: boolean;
  /** Does it, or notes in `leftOut` why it cannot be done here. */
  attempt(what: string, make: () => void): void;
}

const proportions: Readonly<Record<TreeSize, { readonly ordinary: number; readonly largeMegabytes: number }>> = {
  tiny: { ordinary: 24, largeMegabytes: 5 },
  small: { ordinary: 300, largeMegabytes: 9 },
  medium: { ordinary: 3000, largeMegabytes: 20 },
};

/**
 * Makes the tree in `folder`, which must not exist or be empty. Devices, foreign owners, `trusted.*` attributes and modes without any
 * permission are made for root only.
 */
export async function makeTree(folder: string, { seed, size = 'tiny' }: TreeOptions): Promise<MadeTree> {
  const leftOut: string[] = [];
  const tree: TreeInProgress = {
    folder,
    seed: String(seed),
    root: process.getuid?.() === 0,
    attempt: (what, make) => {
      try {
        make();
      } catch (error) {
        leftOut.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
  };
  mkdirSync(folder, { recursive: true });
  const { ordinary, largeMegabytes } = proportions[size];
  makeOrdinaryFiles(tree, ordinary);
  makeContents(tree, largeMegabytes << 20);
  makeFolders(tree);
  makeNamedFiles(tree);
  makeLinks(tree);
  await makeSpecialFiles(tree);
  makeModesAndOwners(tree);
  setAttributes(tree);
  setTimes(tree);
  return { leftOut };
}

function makeOrdinaryFiles({ folder, seed }: TreeInProgress, count: number): void {
  for (let number = 0; number < count; number += 1) {
    const parent = `${folder}/ordinary/part-${number % 11}/group-${number % 7}`;
    mkdirSync(parent, { recursive: true });
    const path = `${parent}/file-${number}.txt`;
    writeFileSync(path, textBytes(`${seed} ordinary ${number}`, seededBelow(`${seed} size ${number}`, 20_000)));
    const time = 1_500_000_000 + seededBelow(`${seed} time ${number}`, 200_000_000) + seededBelow(`${seed} fraction ${number}`, 1e6) / 1e6;
    lutimesSync(path, time, time);
  }
}

/** Sizes around the edges, several chunks, much that compresses and nothing that does, zeros, the same content twice. */
function makeContents({ folder, seed }: TreeInProgress, largeBytes: number): void {
  const parent = `${folder}/contents`;
  mkdirSync(parent);
  const write = (name: string, bytes: Buffer): void => writeFileSync(`${parent}/${name}`, bytes);
  write('empty', Buffer.alloc(0));
  write('one-byte', Buffer.of(0));
  for (const size of [511, 512, 513, 4095, 4096, 4097, 65_536, 524_287, 524_288, 524_289])
    write(`size-${size}`, noiseBytes(`${seed} ${size}`, size));
  const large = noiseBytes(`${seed} large`, largeBytes);
  write('large-noise', large);
  write('large-text', textBytes(`${seed} large text`, Math.floor(largeBytes / 4)));
  write('zeros', Buffer.alloc(3 << 20));
  write('duplicate', large.subarray(0, 1 << 20));
  write('duplicate-again', large.subarray(0, 1 << 20));
  write('shifted', Buffer.concat([Buffer.from('inserted in front'), large.subarray(0, 2 << 20)]));
}

function makeFolders({ folder }: TreeInProgress): void {
  mkdirSync(`${folder}/folders/empty`, { recursive: true });
  mkdirSync(`${folder}/folders/only-folders/a/b/c`, { recursive: true });
  const deep = `${folder}/folders/${Array.from({ length: 40 }, (_, level) => `level-${level}`).join('/')}`;
  mkdirSync(deep, { recursive: true });
  writeFileSync(`${deep}/bottom`, 'the deepest file\n');
}

/** Owners before modes: a change of owner takes the set-user bit away. */
function makeModesAndOwners({ folder, root, attempt }: TreeInProgress): void {
  const parent = `${folder}/modes`;
  mkdirSync(parent);
  const fileModes = [0o644, 0o600, 0o400, 0o755, 0o777, 0o4755, 0o2755, 0o1644, 0o6711, ...(root ? [0o000, 0o200] : [])];
  for (const mode of fileModes) {
    const path = `${parent}/file-${mode.toString(8).padStart(4, '0')}`;
    writeFileSync(path, `mode ${mode.toString(8)}\n`);
    chmodSync(path, mode);
  }
  const folderModes = [0o700, 0o755, 0o1777, 0o2775, ...(root ? [0o000, 0o500] : [])];
  for (const mode of folderModes) {
    const path = `${parent}/folder-${mode.toString(8).padStart(4, '0')}`;
    mkdirSync(path);
    writeFileSync(`${path}/inside`, 'inside\n');
    chmodSync(path, mode);
  }
  if (!root) return;
  const owners: readonly (readonly [uid: number, gid: number])[] = [
    [1, 1],
    [12_345, 54_321],
    [65_534, 65_534],
    [2_000_000_001, 2_000_000_002],
  ];
  for (const [uid, gid] of owners) {
    attempt(`owner ${uid}:${gid}`, () => {
      const path = `${parent}/owner-${uid}-${gid}`;
      writeFileSync(path, 'owned\n');
      lchownSync(path, uid, gid);
      chmodSync(path, 0o4750);
    });
  }
  attempt('owner of a symbolic link', () => lchownSync(`${folder}/links/dangling`, 12_345, 54_321));
  attempt('owner of a folder', () => lchownSync(`${parent}/folder-2775`, 12_345, 54_321));
}

/** Last of all, and folders after what they hold, since every change inside a folder touches its time. */
function setTimes({ folder, attempt }: TreeInProgress): void {
  const parent = `${folder}/times`;
  mkdirSync(parent);
  const times: Readonly<Record<string, string>> = {
    'one-nanosecond': '1970-01-01T00:00:00.000000001Z',
    'all-nanoseconds': '2021-02-03T04:05:06.999999999Z',
    'odd-nanoseconds': '2024-06-01T12:34:56.123456789Z',
    'whole-second': '2020-01-01T00:00:00Z',
    'before-1970': '1960-05-06T07:08:09.101112131Z',
    'after-2038': '2040-01-01T00:00:00.5Z',
  };
  for (const name of Object.keys(times)) writeFileSync(`${parent}/${name}`, `${name}\n`);
  for (const [name, time] of Object.entries(times)) attempt(`time ${time}`, () => void touch(time, joinBytes(parent, name)));
  attempt('time of a symbolic link', () => void touch('2019-09-08T07:06:05.432109876Z', joinBytes(folder, 'links/dangling')));
  for (const name of ['folders/empty', 'folders', 'contents', 'modes', 'times']) {
    attempt(`time of ${name}`, () => void touch('2023-03-04T05:06:07.987654321Z', joinBytes(folder, name)));
  }
}

function touch(time: string, path: Buffer): string {
  return runOnPaths(['touch', '-h', '-d', time], [path]);
}
