/** Tars and zips as components of files. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { StreamEntry } from '../../sources/source.ts';
import type { Inventory, Member } from './member.ts';

/** Where the files of an archive go within the snapshot, and what is said to be its root. */
export interface Placement {
  /** Before each name: empty, or a folder of the component's name. */
  readonly prefix: string;
  readonly root: string;
}

/**
 * An archive of one folder has that folder for its root; others get one of the component's name. A folder that the configuration names is found by the end of
 * its path, so that it comes back where it is.
 */
export function placeMembers(component: string, { tops, topFiles, common = '' }: Inventory, configured?: string): Placement {
  const wanted = configured?.split('/').filter((part) => part !== '') ?? [];
  for (let from = 0; from < wanted.length; from += 1) {
    const end = wanted.slice(from).join('/');
    if (common === end || common.startsWith(`${end}/`)) return { prefix: '', root: `/${end}` };
  }
  const [top] = tops;
  if (tops.size === 1 && top !== undefined && !topFiles) return { prefix: '', root: `/${top}` };
  return { prefix: `/${component}`, root: `/${component}` };
}

/** Each to be read before the next is asked for. Files that others are hard links to wait in the folder for temporary files, and are stored again under the other names. */
export async function* memberEntries(
  members: AsyncIterable<Member>,
  { linked }: Inventory,
  { prefix, root }: Placement,
  modified: Date,
): AsyncGenerator<StreamEntry, void, undefined> {
  let scratch: string | undefined;
  const kept = new Map<string, { readonly path: string; readonly member: Member }>();
  try {
    if (prefix !== '') yield { path: root, type: 'folder', modified, open: nothing };
    for await (const member of members) {
      const path = `${prefix}/${member.name}`;
      const about = { path, mode: member.mode, modified: member.modified, ...(member.owner === undefined ? {} : { owner: member.owner }) };
      switch (member.type) {
        case 'folder':
          yield { ...about, type: 'folder', open: nothing };
          break;
        case 'link':
          yield { ...about, type: 'link', linkTarget: member.linkTarget ?? '', open: nothing };
          break;
        case 'hardlink': {
          const first = kept.get(member.linkTarget ?? '');
          if (first !== undefined)
            yield { ...about, mode: first.member.mode, size: first.member.size, open: () => createReadStream(first.path) };
          break;
        }
        case 'file':
          if (linked.has(member.name)) {
            scratch ??= await mkdtemp(join(tmpdir(), 'holdfast-import-'));
            const copy = join(scratch, String(kept.size));
            await pipeline(member.open(), createWriteStream(copy, { mode: 0o600 }));
            kept.set(member.name, { path: copy, member });
            yield { ...about, size: member.size, open: () => createReadStream(copy) };
          } else yield { ...about, size: member.size, open: () => member.open() };
      }
    }
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
