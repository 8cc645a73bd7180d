/**
 * A folder as the parent snapshot has it. Most entries of most backups have not changed, and then all that is wanted of one is the
 * text it was written as: so a tree is cut into the texts of its entries, and few of their fields are looked at.
 */
import { decodeTree } from '../tree/decode-tree.ts';
import { encodeNode } from '../tree/encode-tree.ts';

export interface ParentEntry {
  readonly name: string;
  readonly type: string;
  readonly mtime: string;
  readonly ctime: string;
  /** Decimal digits: an inode may be larger than a number holds. */
  readonly inode: string;
  readonly size: number;
  /** Data blobs of a file; empty for everything else. */
  readonly content: readonly string[];
  readonly subtree: string | undefined;
  /** The entry as JSON, ready to be written again. */
  readonly text: string;
}

export interface ParentFolder {
  /** The id of its tree. */
  readonly tree: string;
  /** In the order of their names' bytes. */
  readonly entries: readonly ParentEntry[];
}

const treeStart = '{"nodes":[';

/** An entry in the form that restic and holdfast write, without escapes and extended attributes: nearly all are. */
const plainEntry =
  /\{"name":"([^"\\]+)","type":"([a-z]+)"(?:,"mode":\d+)?,"mtime":"([^"\\]+)","atime":"[^"\\]+","ctime":"([^"\\]+)","uid":\d+,"gid":\d+(?:,"user":"[^"\\]*")?(?:,"group":"[^"\\]*")?(?:,"inode":(\d+))?(?:,"device_id":\d+)?(?:,"size":(\d+))?(?:,"links":\d+)?(?:,"linktarget":"[^"\\]*")?(?:,"device":\d+)?,"content":(?:null|\[("[0-9a-f]{64}"(?:,"[0-9a-f]{64}")*)?\])(?:,"subtree":"([0-9a-f]{64})")?\}/y;

/** The entries of a tree. Throws `damaged` or `hostile` when it is none. */
export function readParentEntries(json: Uint8Array): ParentEntry[] {
  const text = Buffer.from(json).toString('utf8');
  return scanEntries(text) ?? parseEntries(json);
}

function scanEntries(text: string): ParentEntry[] | undefined {
  const entries: ParentEntry[] = [];
  if (!text.startsWith(treeStart)) return undefined;
  let at = treeStart.length;
  if (text.startsWith(']}', at)) return entries;
  for (;;) {
    plainEntry.lastIndex = at;
    const match = plainEntry.exec(text);
    if (!match) return undefined;
    const [entry, name = '', type = '', mtime = '', ctime = '', inode = '0', size = '0', content, subtree] = match;
    entries.push({
      name,
      type,
      mtime,
      ctime,
      inode,
      size: Number(size),
      content: content?.slice(1, -1).split('","') ?? [],
      subtree,
      text: entry,
    });
    at += entry.length;
    if (text[at] !== ',') break;
    at += 1;
  }
  return text.startsWith(']}', at) ? entries : undefined;
}

/** Any tree. An entry is written again as we would write it, which is what restic wrote. */
function parseEntries(json: Uint8Array): ParentEntry[] {
  return decodeTree(json.slice()).map((node) => ({
    name: node.name,
    type: node.type,
    mtime: node.mtime,
    ctime: node.ctime,
    inode: String(node.inode),
    size: node.size,
    content: node.content ?? [],
    subtree: node.subtree,
    text: encodeNode(node),
  }));
}
