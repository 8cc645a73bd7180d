/**
 * Trees from bytes that anybody may have written. Every field is looked at by hand rather than with zod: a tree is the one kind of
 * JSON that comes by the million entries (restore, check, the parent of every backup), and a schema costs ten times as much there.
 *
 * Numbers: inodes and device numbers use all of uint64, where `JSON.parse` silently rounds. Text with a run of sixteen digits
 * after a colon goes through a reviver that keeps such a number's source; all other text takes the fast way.
 */
import { HoldfastError, reasonOf } from '../../errors.ts';
import { compareNames } from './compare-names.ts';
import { decodeNode } from './decode-node.ts';
import { entryRuns, TreeFormError } from './entry-runs.ts';
import type { TreeNode } from './node.ts';

/* In V8 since 11.4; not yet among the compiler's types. */
declare global {
  interface JSON {
    parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
    rawJSON(text: string): unknown;
    isRawJSON(value: unknown): boolean;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Bytes. Above it a tree is parsed in parts. */
const largeTree = 2 ** 22;
const needsExactNumbers = /:\s*\d{16}|"generic_attributes"/;

/**
 * The entries of a tree in the order of their names' bytes, each name once. (restic does not insist on the order when it reads, so
 * entries in another order are sorted here.) Fields holdfast does not know are ignored.
 *
 * @param object What to call the tree in an error: `tree 0f3a…`.
 * @throws HoldfastError `damaged` when this is not a tree, `hostile` when a name could lead out of its folder or comes twice.
 */
export function decodeTree(bytes: Uint8Array, object = 'a tree'): TreeNode[] {
  const nodes: TreeNode[] = [];
  let sorted = true;
  let last: TreeNode | undefined;
  for (const entries of readEntries(bytes, object)) {
    for (const entry of entries) {
      const node = decodeNode(entry, object);
      if (last !== undefined && compareNames(last.name, node.name) >= 0) sorted = false;
      last = node;
      nodes.push(node);
    }
  }
  return sorted ? nodes : sortUnique(nodes);
}

/** The entries in lists: one of them all, or of a large tree many, so that each part is checked before the next one takes memory. */
function* readEntries(bytes: Uint8Array, object: string): Generator<readonly unknown[]> {
  if (bytes.length <= largeTree) {
    yield readAtOnce(bytes, object);
    return;
  }
  try {
    for (const run of entryRuns(bytes)) yield parseList(`[${utf8.decode(run)}]`);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const reason = error instanceof TreeFormError ? error.message : `it is not JSON (${reasonOf(error)})`;
    throw new HoldfastError('damaged', { object, reason }, error);
  }
}

function readAtOnce(bytes: Uint8Array, object: string): readonly unknown[] {
  let tree: unknown;
  try {
    tree = parse(utf8.decode(bytes));
  } catch (cause) {
    throw new HoldfastError('damaged', { object, reason: `it is not JSON (${reasonOf(cause)})` }, cause);
  }
  if (typeof tree !== 'object' || tree === null || !('nodes' in tree))
    throw new HoldfastError('damaged', { object, reason: 'it has no list of entries' });
  /* restic before 0.19 reads (and never writes) null as an empty list. */
  if (tree.nodes === null) return [];
  if (!Array.isArray(tree.nodes)) throw new HoldfastError('damaged', { object, reason: 'its entries are not a list' });
  return tree.nodes;
}

function parseList(text: string): readonly unknown[] {
  const list: unknown = parse(text);
  return Array.isArray(list) ? list : [];
}

function parse(text: string): unknown {
  return needsExactNumbers.test(text) ? JSON.parse(text, keepExact) : JSON.parse(text);
}

/** Keeps the source of a number that a JavaScript number does not say exactly. (Equal text is not enough: 60643921820405870 prints as itself and is …872.) */
function keepExact(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context.source === undefined) return value;
  if (Number.isSafeInteger(value) && String(value) === context.source) return value;
  return JSON.rawJSON(context.source);
}

function sortUnique(nodes: readonly TreeNode[]): TreeNode[] {
  const sorted = nodes.toSorted((a, b) => compareNames(a.name, b.name));
  let last: TreeNode | undefined;
  for (const node of sorted) {
    if (last?.name === node.name)
      throw new HoldfastError('hostile', { path: JSON.stringify(node.name), reason: 'its folder has two entries of that name' });
    last = node;
  }
  return sorted;
}
