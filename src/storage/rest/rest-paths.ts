/** Where the REST protocol keeps what lies under our keys. It knows the files of restic's own format, by their type and id, and nothing else. */
import { isKey } from '../object-key.ts';

const types = ['data', 'keys', 'locks', 'snapshots', 'index'] as const;
export type RestType = (typeof types)[number];

/**
 * `own`: a file of the format; `isNamedByContent` where its name is the hash of it. `object`: what we keep below `holdfast/`, for servers that take it.
 * `foreign`: nothing that such a server could have.
 */
export type RestPlace =
  | { readonly kind: 'own'; readonly path: string; readonly isNamedByContent: boolean }
  | { readonly kind: 'object'; readonly name: string }
  | { readonly kind: 'foreign' };

/** The folder of our own objects, on servers that know it and on those that take any path. */
export const objectFolder = 'holdfast/';

const idForm = /^[0-9a-f]{64}$/;

/** The place of a key. */
export function placeOf(key: string): RestPlace {
  if (key === 'config') return { kind: 'own', path: 'config', isNamedByContent: false };
  if (key.startsWith(objectFolder)) return { kind: 'object', name: key.slice(objectFolder.length) };
  const [type = '', ...rest] = key.split('/');
  const [id = ''] = rest.slice(-1);
  const fits = type === 'data' ? rest.length === 2 && id.startsWith(rest[0] ?? '-') && rest[0]?.length === 2 : rest.length === 1;
  if (!isType(type) || !fits || !idForm.test(id)) return { kind: 'foreign' };
  return { kind: 'own', path: `${type}/${id}`, isNamedByContent: true };
}

/** The key of a file that a listing of a type names; undefined for a name that is none. */
export function keyOfListed(type: RestType, name: string): string | undefined {
  if (!idForm.test(name)) return undefined;
  return type === 'data' ? `data/${name.slice(0, 2)}/${name}` : `${type}/${name}`;
}

/** The types whose files may lie below a prefix. */
export function typesBelow(prefix: string): readonly RestType[] {
  return types.filter((type) => prefix === '' || prefix === `${type}/` || (type === 'data' && prefix.startsWith('data/')));
}

/**
 * How a server keeps our objects. `nested`: it knows them (`holdfast serve rest`), names have folders. `flat`: it takes any path and tells only the last part
 * of a name (rclone), so `~`, which no key has, stands for the slash.
 */
export type ObjectLayout = 'nested' | 'flat';

/** The path of an object; undefined where a file system has no room for its name. */
export function objectPath(name: string, layout: ObjectLayout): string | undefined {
  if (layout === 'nested') return `${objectFolder}${name}`;
  const flat = name.replaceAll('/', '~');
  return flat.length > 255 ? undefined : `${objectFolder}${flat}`;
}

/** The key of an object that a listing names; undefined for a name that is none. */
export function keyOfObject(name: string, layout: ObjectLayout): string | undefined {
  const key = `${objectFolder}${layout === 'nested' ? name : name.replaceAll('~', '/')}`;
  return isKey(key) ? key : undefined;
}

function isType(text: string): text is RestType {
  return types.some((type) => type === text);
}
