/** One file, folder or link of a cluster, out of the tar that the server makes of it. */
import { ProtocolFailure } from './failures.ts';
import type { TarEntry } from './tar-entries.ts';

export interface BaseEntry {
  /** Object id of the tablespace; absent in the data directory. */
  readonly tablespace?: string;
  /** Relative to the data directory or the tablespace's folder, without a trailing slash: `base/1/1259`, `PG_15_202209061/5/16400`. */
  readonly path: string;
  readonly type: 'file' | 'folder' | 'link';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modified: Date;
  /** Bytes of content; 0 for folders and links. The last entry, `backup_manifest`, has no known size: -1. */
  readonly size: number;
  readonly linkTarget?: string;
  /** Chunks stay valid after the next is pulled. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** The server's own description of the backup, always the last entry. */
export const manifestName = 'backup_manifest';

/** Throws a ProtocolFailure for what no server sends: paths that lead elsewhere, devices. */
export function describeEntry({ header, content }: TarEntry, tablespace: string | undefined): BaseEntry {
  const path = header.path.replace(/^\.\//, '').replace(/\/$/, '');
  if (path === '' || path.startsWith('/') || path.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw new ProtocolFailure(`it names a file "${header.path.slice(0, 200)}"`);
  const type = header.type === '5' ? 'folder' : header.type === '2' ? 'link' : 'file';
  if (type === 'file' && header.type !== '0' && header.type !== '\0')
    throw new ProtocolFailure(`${path} is of the unknown kind "${header.type}"`);
  if (type !== 'file' && header.size > 0) throw new ProtocolFailure(`${path} has content and is no file`);
  const { mode, uid, gid, modified, size } = header;
  return {
    ...(tablespace === undefined ? {} : { tablespace }),
    ...{ path, type, mode, uid, gid, modified, size },
    ...(type === 'link' ? { linkTarget: header.linkTarget } : {}),
    content,
  };
}
