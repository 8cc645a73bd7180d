import { HoldfastError } from '../errors.ts';
import type { FileType } from './layout.ts';
import type { Repository } from './repository.ts';

const shortestPrefix = 4;

/** The full id of a file from the beginning of it, at least four digits. Throws `object-missing` when none or several begin so. */
export async function findFile(repository: Repository, type: FileType, prefix: string): Promise<string> {
  const missing = (reason: string): HoldfastError =>
    new HoldfastError('object-missing', { object: `${type} ${prefix.slice(0, 64)}`, location: repository.location, reason });
  if (!/^[0-9a-f]{1,64}$/.test(prefix) || prefix.length < shortestPrefix) throw missing('that is not the beginning of an id');
  const found = (await repository.listFiles(type)).filter(({ id }) => id.startsWith(prefix));
  const [first, second] = found;
  if (first === undefined) throw missing('no id begins so');
  if (second !== undefined) throw missing(`${found.length} ids begin so`);
  return first.id;
}
