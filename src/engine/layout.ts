/** Where the format keeps each kind of file. */
export type FileType = 'key' | 'lock' | 'snapshot' | 'index' | 'pack';

const folders: Readonly<Record<FileType, string>> = {
  key: 'keys/',
  lock: 'locks/',
  snapshot: 'snapshots/',
  index: 'index/',
  pack: 'data/',
};

export const configKey = 'config';

/** The folder of a type, as a prefix for listing. */
export function folderOf(type: FileType): string {
  return folders[type];
}

/** The storage key of one file. */
export function keyOf(type: FileType, id: string): string {
  return type === 'pack' ? `data/${id.slice(0, 2)}/${id}` : `${folders[type]}${id}`;
}

/** The id in a storage key, or undefined where the last part is not one. */
export function idOf(key: string): string | undefined {
  const name = key.slice(key.lastIndexOf('/') + 1);
  return /^[0-9a-f]{64}$/.test(name) ? name : undefined;
}
