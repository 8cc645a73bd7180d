/** One entry of a tree from parsed JSON: every type and bound is checked, because the repository may be damaged or forged. */
import { HoldfastError } from '../../errors.ts';
import { decodePath } from '../../util/path-bytes.ts';
import { goUnquote } from './go-strings.ts';
import { nodeTypes, toUint64, type ExtendedAttribute, type NodeType, type TreeNode, type Uint64 } from './node.ts';
import { isTime } from './time.ts';

/** Far above what any file system allows; only there so that a forged tree cannot fill the memory with one name. */
const longestName = 4096;
const longestTarget = 65_536;
const knownTypes = new Map<unknown, NodeType>(nodeTypes.map((type) => [type, type]));
const idPattern = /^[0-9a-f]{64}$/;
const base64Pattern = /^[A-Za-z0-9+/]*={0,2}$/;
const uint32Limit = 2 ** 32;
const uint64Limit = 2n ** 64n;

type Fields = Readonly<Record<string, unknown>>;
/** TreeNode while it is put together. */
type Draft = { -readonly [Key in keyof TreeNode]: TreeNode[Key] };

/** Throws `damaged` or `hostile`, naming `object` and the field. */
export function decodeNode(value: unknown, object: string): TreeNode {
  if (!isObject(value)) throw new HoldfastError('damaged', { object, reason: 'an entry is not an object' });
  const type = knownTypes.get(value['type']);
  if (type === undefined) throw damaged(object, 'type', value['type']);
  const node: Draft = {
    name: readName(value, object),
    type,
    mode: readUint32(value, 'mode', object),
    mtime: readTime(value, 'mtime', object),
    atime: readTime(value, 'atime', object),
    ctime: readTime(value, 'ctime', object),
    uid: readUint32(value, 'uid', object),
    gid: readUint32(value, 'gid', object),
    inode: readUint64(value, 'inode', object),
    deviceId: readUint64(value, 'device_id', object),
    size: readSize(value, object),
    links: readUint64(value, 'links', object),
  };
  addOptional(node, value, object);
  if (type === 'dir' && node.subtree === undefined) throw damaged(object, 'subtree', undefined);
  return node;
}

function addOptional(node: Draft, value: Fields, object: string): void {
  const user = readString(value, 'user', object);
  if (user !== '') node.user = user;
  const group = readString(value, 'group', object);
  if (group !== '') node.group = group;
  const target = readLinkTarget(value, node.name, object);
  if (target !== '') node.linktarget = target;
  if (value['extended_attributes'] !== undefined) addExtendedAttributes(node, value['extended_attributes'], object);
  if (value['generic_attributes'] !== undefined) addGenericAttributes(node, value['generic_attributes'], object);
  const device = readUint64(value, 'device', object);
  if (device !== 0) node.device = device;
  const content = value['content'];
  if (content !== undefined && content !== null) node.content = readContent(content, object);
  const subtree = value['subtree'];
  if (subtree !== undefined && subtree !== null) node.subtree = readId(subtree, 'subtree', object);
  const error = readString(value, 'error', object);
  if (error !== '') node.error = error;
}

function readName(value: Fields, object: string): string {
  const quoted = value['name'];
  if (typeof quoted !== 'string') throw damaged(object, 'name', quoted);
  const name = goUnquote(quoted.isWellFormed() ? quoted : quoted.toWellFormed());
  if (name === undefined) throw damaged(object, 'name', quoted);
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0') || name.length > longestName) {
    throw new HoldfastError('hostile', { path: JSON.stringify(name.slice(0, 200)), reason: `that is no name of a file (in ${object})` });
  }
  return name;
}

function readLinkTarget(value: Fields, name: string, object: string): string {
  const raw = value['linktarget_raw'];
  const target =
    raw === undefined || raw === null ? readString(value, 'linktarget', object) : decodePath(readBase64(raw, 'linktarget_raw', object));
  if (target.includes('\0') || target.length > longestTarget)
    throw new HoldfastError('hostile', { path: JSON.stringify(name), reason: 'no link can point where it points to' });
  return target;
}

function readTime(value: Fields, field: string, object: string): string {
  const time = value[field];
  if (typeof time !== 'string' || !isTime(time)) throw damaged(object, field, time);
  return time;
}

/** Absent is 0, as for all numbers. */
function readUint32(value: Fields, field: string, object: string): number {
  const number = value[field];
  if (number === undefined) return 0;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number >= uint32Limit) throw damaged(object, field, number);
  return number;
}

function readSize(value: Fields, object: string): number {
  const size = readUint64(value, 'size', object);
  if (typeof size === 'bigint') throw damaged(object, 'size', size);
  return size;
}

function readUint64(value: Fields, field: string, object: string): Uint64 {
  const number = value[field];
  if (number === undefined) return 0;
  if (typeof number === 'number' && number >= 0 && Number.isSafeInteger(number)) return number;
  if (JSON.isRawJSON(number)) {
    const source = JSON.stringify(number);
    const exact = /^\d{1,20}$/.test(source) ? BigInt(source) : uint64Limit;
    if (exact < uint64Limit) return toUint64(exact);
  }
  throw damaged(object, field, number);
}

/** Absent is empty. A half of a surrogate pair becomes U+FFFD, as in Go: only `decodePath` may make one. */
function readString(value: Fields, field: string, object: string): string {
  const text = value[field];
  if (text === undefined) return '';
  if (typeof text !== 'string') throw damaged(object, field, text);
  return text.isWellFormed() ? text : text.toWellFormed();
}

function readContent(value: unknown, object: string): string[] {
  if (!Array.isArray(value)) throw damaged(object, 'content', value);
  return value.map((id: unknown) => readId(id, 'content', object));
}

function readId(value: unknown, field: string, object: string): string {
  if (typeof value !== 'string' || !idPattern.test(value)) throw damaged(object, field, value);
  return value;
}

function readBase64(value: unknown, field: string, object: string): Buffer {
  if (typeof value !== 'string' || value.length % 4 !== 0 || !base64Pattern.test(value)) throw damaged(object, field, value);
  return Buffer.from(value, 'base64');
}

function addExtendedAttributes(node: Draft, list: unknown, object: string): void {
  if (list === null) return;
  if (!Array.isArray(list)) throw damaged(object, 'extended_attributes', list);
  const attributes = list.map((entry: unknown): ExtendedAttribute => {
    if (!isObject(entry)) throw damaged(object, 'extended_attributes', entry);
    const name = readString(entry, 'name', object);
    if (name === '' || name.includes('\0')) throw damaged(object, 'extended_attributes', name);
    const value = entry['value'];
    return { name, value: value === undefined || value === null ? new Uint8Array(0) : readBase64(value, 'extended_attributes', object) };
  });
  if (attributes.length > 0) node.extendedAttributes = attributes;
}

function addGenericAttributes(node: Draft, map: unknown, object: string): void {
  if (map === null) return;
  if (!isObject(map) || Array.isArray(map)) throw damaged(object, 'generic_attributes', map);
  const entries = Object.entries(map).map(([name, value]): [string, string] => [name.toWellFormed(), compactJson(value, object)]);
  if (entries.length > 0) node.genericAttributes = Object.fromEntries(entries);
}

/** As Go keeps raw JSON: without spaces, and with the characters escaped that HTML could misread. */
function compactJson(value: unknown, object: string): string {
  try {
    return JSON.stringify(value).replaceAll(
      /[<>&\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  } catch {
    /* Only nesting deeper than the stack comes here. */
    throw damaged(object, 'generic_attributes', '…');
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function damaged(object: string, field: string, value: unknown): HoldfastError {
  const found =
    value === undefined
      ? 'nothing'
      : typeof value === 'string'
        ? JSON.stringify(value.slice(0, 60))
        : typeof value === 'bigint' || typeof value === 'number'
          ? String(value)
          : typeof value;
  return new HoldfastError('damaged', { object, reason: `an entry has ${found} for its ${field}` });
}
