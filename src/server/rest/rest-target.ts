/** What a URL of restic's REST protocol means. URLs come from anybody: what is not exactly of a known form is nothing. */

/** Path of a repository below the served folder, part by part; none for the folder itself. */
export type RepositoryPath = readonly string[];

export type RestTarget =
  | { readonly kind: 'repository'; readonly repository: RepositoryPath; readonly create: boolean }
  | { readonly kind: 'folder'; readonly repository: RepositoryPath; readonly type: RestType }
  /** `name`: the hash that the content must have. */
  | {
      readonly kind: 'file';
      readonly repository: RepositoryPath;
      readonly type: RestType | 'config';
      readonly key: string;
      readonly name?: string;
    }
  /** Our own, below `holdfast/`; `prefix` is that of keys. */
  | { readonly kind: 'objects'; readonly repository: RepositoryPath; readonly prefix: string }
  | { readonly kind: 'object'; readonly repository: RepositoryPath; readonly key: string };

export type RestType = 'data' | 'keys' | 'locks' | 'snapshots' | 'index';

const types: readonly string[] = ['data', 'keys', 'locks', 'snapshots', 'index'] satisfies RestType[];
const reserved = [...types, 'config', 'holdfast'];
const partForm = /^[A-Za-z0-9_@+-][A-Za-z0-9._@+-]{0,127}$/;
const idForm = /^[0-9a-f]{64}$/;
const objectPartForm = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}$/;
const deepestRepository = 8;
const longestUrl = 2048;
const longestKey = 512;

/** Reads the path of a request; undefined for what the protocol does not have. */
export function parseTarget(url: string): RestTarget | undefined {
  const [, path, query = ''] = /^(\/[^?#]*)(?:\?([^#]*))?$/.exec(url) ?? [];
  if (path === undefined || url.length > longestUrl) return undefined;
  const parts = decodeParts(path);
  if (parts === undefined) return undefined;
  const isFolder = path.endsWith('/');
  const at = parts.findIndex((part) => reserved.includes(part));
  const repository = at === -1 ? parts : parts.slice(0, at);
  if (repository.length > deepestRepository || !repository.every((part) => partForm.test(part))) return undefined;
  if (at === -1) return { kind: 'repository', repository, create: query === 'create=true' };
  const [type = '', ...rest] = parts.slice(at);
  if (type === 'holdfast') return parseObject(repository, rest, isFolder);
  if (type === 'config') return rest.length === 0 && !isFolder ? { kind: 'file', repository, type, key: 'config' } : undefined;
  if (!isType(type)) return undefined;
  const [name, ...more] = rest;
  if (name === undefined) return isFolder ? { kind: 'folder', repository, type } : undefined;
  if (more.length > 0 || isFolder || !idForm.test(name)) return undefined;
  return { kind: 'file', repository, type, key: type === 'data' ? `data/${name.slice(0, 2)}/${name}` : `${type}/${name}`, name };
}

function parseObject(repository: RepositoryPath, parts: readonly string[], isFolder: boolean): RestTarget | undefined {
  const key = ['holdfast', ...parts].join('/');
  if (key.length > longestKey || !parts.every((part) => objectPartForm.test(part))) return undefined;
  if (isFolder) return { kind: 'objects', repository, prefix: `${key}/` };
  return parts.length === 0 ? undefined : { kind: 'object', repository, key };
}

/** The parts between slashes; two slashes in a row are one. Undefined for what is not properly encoded. */
function decodeParts(path: string): string[] | undefined {
  try {
    return path
      .split('/')
      .filter((part) => part !== '')
      .map((part) => decodeURIComponent(part));
  } catch {
    return undefined;
  }
}

function isType(text: string): text is RestType {
  return types.includes(text);
}
