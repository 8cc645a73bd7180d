import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HoldfastError } from '../../../errors.ts';
import { ignoreEvents } from '../../../events.ts';
import { encodeIncrementalHeader } from '../pages/incremental-file.ts';
import { assembleBase, type AssembledBase, type BaseInChain } from './assemble-base.ts';
import { baseLayout, tablespaceFolder } from './base-layout.ts';
import type { BaseManifest } from './base-manifest.ts';
import { startChecksum } from './checksum.ts';
import { encodeServerManifest } from './server-manifest.ts';

let folder = '';
let target = '';
let outside = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-assemble-'));
  target = join(folder, 'target');
  outside = join(folder, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), 'kept');
});
afterEach(() => rmSync(folder, { recursive: true }));

const pageSize = 8192;
const page = (value: number): Buffer => Buffer.alloc(pageSize, value);
const relation = (...pages: readonly number[]): Buffer => Buffer.concat(pages.map(page));
const increment = (truncation: number, pages: Readonly<Record<number, number>>): Buffer => {
  const blocks = Object.keys(pages).map(Number);
  return Buffer.concat([
    encodeIncrementalHeader({ blocks: Uint32Array.from(blocks), truncation }, pageSize),
    ...Object.values(pages).map(page),
  ]);
};

/** Content by name in the cluster. */
type Files = Readonly<Record<string, Buffer | string>>;

const ids = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
const oid = '16400';
const far = `pg_tblspc/${oid}/PG_15_202209061/5/16401`;

const first: Files = {
  'PG_VERSION': '15\n',
  'backup_label': 'START WAL LOCATION: 0/2000028\n',
  'global/pg_control': 'control 1',
  'global/1262': relation(1),
  'base/5/16384': relation(1, 2, 3, 4),
  'base/5/16390': relation(9),
  [far]: relation(5, 6),
};

const second: Files = {
  'PG_VERSION': '15\n',
  'backup_label': 'START WAL LOCATION: 0/4000028\n',
  'global/pg_control': 'control 2',
  'global/1262': relation(1),
  'base/5/16384': relation(1, 7, 3, 4, 8),
  'base/5/16391': 'new',
  [far]: relation(5),
};

const changes: Files = {
  ...second,
  'base/5/16384': '',
  [far]: '',
  'base/5/INCREMENTAL.16384': increment(4, { 1: 7, 4: 8 }),
  [far.replace('16401', 'INCREMENTAL.16401')]: increment(1, {}),
};

/** The server's manifest of these files. */
function manifestOf(files: Files): Buffer {
  const listed = Object.entries(files).map(([name, content]) => {
    const bytes = Buffer.from(content);
    const checksum = startChecksum('CRC32C');
    checksum.update(bytes);
    return [name, { size: bytes.length, algorithm: 'CRC32C', checksum: checksum.digest(), modified: undefined }] as const;
  });
  return Buffer.concat([...encodeServerManifest({ version: 1, systemId: undefined, files: new Map(listed), walRanges: [] })]);
}

interface Stored {
  /** A change to what was written, below the folder of the snapshot. */
  readonly tamper?: (data: string) => void;
  readonly manifest?: Partial<BaseManifest>;
  readonly restoreTo?: BaseInChain['restoreTo'];
}

/** Files with empty content are left out. */
function store(position: number, files: Files, listed: Files, { tamper, manifest = {}, restoreTo }: Stored = {}): BaseInChain {
  const root = join(folder, `snapshot-${position}`);
  const data = join(root, 'data');
  mkdirSync(join(data, 'pg_tblspc'), { recursive: true });
  symlinkSync(`../../tablespaces/${oid}`, join(data, 'pg_tblspc', oid));
  for (const [name, content] of Object.entries({
    ...files,
    'pg_wal/000000010000000000000002': 'wal',
    'backup_manifest': manifestOf(listed),
  })) {
    if (content.length === 0) continue;
    const path = name.startsWith('pg_tblspc/') ? join(root, 'tablespaces', name.slice('pg_tblspc/'.length)) : join(data, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  tamper?.(data);
  const places = new Map([
    [baseLayout.data, data],
    [tablespaceFolder(oid), join(root, 'tablespaces', oid)],
  ]);
  return {
    snapshotId: ids[position] ?? '',
    manifest: {
      version: 1,
      kind: position === 0 ? 'full' : 'increment',
      systemId: '7',
      timeline: 1,
      startLsn: '0/2000028',
      endLsn: '0/2000138',
      endTimeline: 1,
      startedAt: '2026-11-20T14:30:15.250Z',
      endedAt: '2026-11-20T14:31:15.000Z',
      serverVersion: '15.18',
      major: 15,
      pageSize,
      walSegmentSize: 16 * 1024 * 1024,
      checksums: true,
      dataDirectory: '/data',
      tablespaces: [{ oid, location: '/far' }],
      configuration: [],
      settings: {},
      chain: ids.slice(0, position),
      files: 1,
      bytes: 1,
      ...manifest,
    },
    restoreTo:
      restoreTo ?? ((path, to) => Promise.resolve(cpSync(places.get(path) ?? '', to, { recursive: true, verbatimSymlinks: true }))),
  };
}

const assemble = (chain: readonly BaseInChain[], signal = new AbortController().signal): Promise<AssembledBase> =>
  assembleBase({ chain, target, tablespaces: new Map([[oid, join(folder, 'space')]]), events: ignoreEvents, signal });

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof HoldfastError ? error.code : error),
  );

function expectContent(files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const path = name.startsWith('pg_tblspc/') ? join(folder, 'space', name.slice(`pg_tblspc/${oid}/`.length)) : join(target, name);
    expect(readFileSync(path).equals(Buffer.from(content)), name).toBe(true);
  }
}

/** Nothing that PostgreSQL would start from. */
function expectUnfinished(): void {
  for (const place of [target, join(folder, 'space')]) expect(existsSync(place) ? readdirSync(place) : []).toEqual(['holdfast-incomplete']);
}

test('an increment makes of the full what the server sent', async () => {
  const chain = [store(0, first, first), store(1, changes, second)];
  const { files, manifest } = await assemble(chain);
  expect(files).toBe(Object.keys(second).length);
  expect(manifest).toBe(chain[1]?.manifest);
  expectContent(second);
  expect(existsSync(join(target, 'base/5/16390'))).toBe(false);
  expect(readdirSync(target).toSorted()).toEqual([
    'PG_VERSION',
    'backup_label',
    'backup_manifest',
    'base',
    'global',
    'pg_tblspc',
    'pg_wal',
  ]);
  expect(readdirSync(join(folder, 'space'))).toEqual(['PG_15_202209061']);
  expect(readlinkSync(join(target, 'pg_tblspc', oid))).toBe(join(folder, 'space'));
  expect(lstatSync(target).mode & 0o777).toBe(0o700);
});

test('increments that the server made get a manifest and a label of the whole', async () => {
  const label = 'START WAL LOCATION: 0/4000028\nINCREMENTAL FROM LSN: 0/2000028\nINCREMENTAL FROM TLI: 1\nLABEL: holdfast\n';
  const sent = Object.fromEntries(Object.entries({ ...changes, backup_label: label }).filter(([, content]) => content.length > 0));
  await assemble([store(0, first, first), store(1, sent, sent, { manifest: { serverSide: true } })]);
  expectContent({ ...second, backup_label: 'START WAL LOCATION: 0/4000028\nLABEL: holdfast\n' });
  const manifest = readFileSync(join(target, 'backup_manifest'), 'utf8');
  expect(manifest).not.toContain('INCREMENTAL');
  for (const name of Object.keys(second)) expect(manifest).toContain(`"${name}"`);
});

test('a page that is not what the server sent, a file too many and one too few are found', async () => {
  const full = store(0, first, first);
  const wrong: Files = { ...changes, 'base/5/INCREMENTAL.16384': increment(4, { 1: 77, 4: 8 }) };
  const more: Files = { ...changes, 'base/5/16999': 'more' };
  const fewer: Files = { ...changes, 'base/5/16391': '' };
  const shorter: Files = { ...changes, 'base/5/INCREMENTAL.16384': increment(3, { 1: 7 }) };
  for (const [files, reason] of [
    [wrong, 'base/5/16384 has another checksum'],
    [more, 'base/5/16999 is not in the server'],
    [fewer, 'base/5/16391 is missing'],
    [shorter, 'base/5/16384 has 24576 bytes instead of 40960'],
  ] as const) {
    rmSync(join(folder, 'snapshot-1'), { recursive: true, force: true });
    await expect(assemble([full, store(1, files, second)])).rejects.toThrow(reason);
    expectUnfinished();
  }
  /* What is left of it does not disturb the next. */
  rmSync(join(folder, 'snapshot-1'), { recursive: true });
  await assemble([full, store(1, changes, second)]);
  expectContent(second);
});

test('what breaks off leaves nothing that looks whole', async () => {
  const full = store(0, first, first);
  const failing = store(1, changes, second, {
    restoreTo: () => Promise.reject(new HoldfastError('storage-missing', { key: 'k', location: 'l' })),
  });
  expect(await codeOf(assemble([full, failing]))).toBe('storage-missing');
  expectUnfinished();
  const stop = new AbortController();
  const stopping: BaseInChain = {
    ...full,
    restoreTo: async (path, to) => {
      await full.restoreTo(path, to);
      stop.abort();
    },
  };
  expect(await codeOf(assemble([stopping], stop.signal))).toBe('interrupted');
  expectUnfinished();
});

test('a target with anything in it is left alone', async () => {
  const chain = [store(0, first, first)];
  mkdirSync(target);
  writeFileSync(join(target, 'PG_VERSION'), 'mine');
  expect(await codeOf(assemble(chain))).toBe('target-unusable');
  expect(readdirSync(target)).toEqual(['PG_VERSION']);
  expect(existsSync(join(folder, 'space'))).toBe(false);
  rmSync(target, { recursive: true });
  mkdirSync(join(folder, 'space'));
  writeFileSync(join(folder, 'space', 'mine'), '');
  expect(await codeOf(assemble(chain))).toBe('target-unusable');
  expect(existsSync(target)).toBe(false);
  const request = { chain, tablespaces: new Map<string, string>(), events: ignoreEvents, signal: new AbortController().signal };
  expect(await codeOf(assembleBase({ ...request, target }))).toBe('target-unusable');
  expect(await codeOf(assembleBase({ ...request, target: 'relative' }))).toBe('target-unusable');
});

test('snapshots that are no chain are refused before anything is restored', async () => {
  const full = store(0, first, first);
  const later = store(1, changes, second);
  const other = { ...later, manifest: { ...later.manifest, systemId: '8' } };
  const stranger = { ...later, manifest: { ...later.manifest, chain: [ids[2] ?? ''] } };
  for (const chain of [[later], [full, full], [full, other], [full, stranger], [later, full]])
    expect(await codeOf(assemble(chain))).toBe('damaged');
  expect(existsSync(target)).toBe(false);
});

test('links and pipes of a hostile repository lead nowhere', async () => {
  const toOutside = (path: string): void => {
    rmSync(path, { recursive: true, force: true });
    symlinkSync(outside, path);
  };
  const tamperings: ((data: string) => void)[] = [
    /* The folder that the increment changes files in. */
    (data) => toOutside(join(data, 'base', '5')),
    (data) => toOutside(join(data, 'base')),
    /* The file itself. */
    (data) => {
      rmSync(join(data, 'base/5/16384'));
      symlinkSync(join(outside, 'file'), join(data, 'base/5/16384'));
    },
    (data) => toOutside(join(data, 'pg_tblspc')),
    (data) => {
      rmSync(join(data, 'base/5/16384'));
      execFileSync('mkfifo', [join(data, 'base/5/16384')]);
    },
  ];
  for (const tamper of tamperings) {
    for (const position of [0, 1]) rmSync(join(folder, `snapshot-${position}`), { recursive: true, force: true });
    await codeOf(assemble([store(0, first, first, { tamper }), store(1, changes, second)]));
    expect(readdirSync(outside)).toEqual(['file']);
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('kept');
    for (const place of [target, join(folder, 'space')]) rmSync(place, { recursive: true, force: true });
  }
});

test.each(['backup_label', 'backup_manifest'])('%s may be no link or pipe', async (name) => {
  for (const replace of [
    (path: string) => symlinkSync(join(outside, 'file'), path),
    (path: string) => void execFileSync('mkfifo', [path]),
  ]) {
    for (const position of [0, 1]) rmSync(join(folder, `snapshot-${position}`), { recursive: true, force: true });
    const tamper = (data: string): void => {
      rmSync(join(data, name));
      replace(join(data, name));
    };
    const sent = Object.fromEntries(Object.entries(changes).filter(([, content]) => content.length > 0));
    const hostile = store(1, sent, sent, { tamper, manifest: { serverSide: true } });
    const copied = (path: string, to: string): Promise<void> => {
      execFileSync('cp', ['-a', `${join(folder, 'snapshot-1', path === baseLayout.data ? 'data' : `tablespaces/${oid}`)}/.`, to]);
      return Promise.resolve();
    };
    expect(await codeOf(assemble([store(0, first, first), { ...hostile, restoreTo: copied }]))).toBe('damaged');
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('kept');
    expectUnfinished();
  }
});
