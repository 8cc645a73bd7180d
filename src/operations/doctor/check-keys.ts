/** Who can open a repository: it is lost where nobody can. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { listKeys } from '../../engine/keys/list-keys.ts';
import type { Repository } from '../../engine/repository.ts';
import { shellWord } from '../../util/shell-word.ts';
import { kitFile } from '../init/recovery-kit.ts';
import { ok, warning, type Check } from './check.ts';

/** @param folder of the configuration, where the recovery kit would be; absent where there is none */
export async function checkKeys(about: string, url: string, repository: Repository, folder: string | undefined): Promise<Check> {
  const name = `${about}: keys`;
  const place = shellWord(url);
  const { keys, problems } = await listKeys(repository);
  const current = keys.find((key) => key.current);
  const opened = `the password used here opens the key ${repository.keyId.slice(0, 8)}${current === undefined ? '' : ` of ${current.username}@${current.hostname}`}`;
  if (problems.length > 0)
    return warning(
      name,
      `${opened}; ${problems.length} of ${keys.length + problems.length} keys cannot be read, so their passwords open nothing`,
      `See which, and take them away:\nholdfast key list -r ${place}\nholdfast key remove -r ${place} ${problems[0]?.id.slice(0, 8) ?? 'KEY'}`,
    );
  if (keys.length > 1) return ok(name, `${opened}; ${keys.length} keys open it`);
  if (folder === undefined || (await isThere(join(folder, kitFile)))) return ok(name, `${opened}; it is the only one`);
  return warning(
    name,
    `${opened}; it is the only one, and there is no ${kitFile} beside the configuration: without that password everything is lost`,
    `Keep the password on paper, too, or make one for the safe:\nholdfast key escrow -r ${place} --to RECIPIENT --out escrow.age`,
  );
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
