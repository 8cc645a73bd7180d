/** How long restores took on this host, so that the next plan can say it. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const timesSchema = z.record(
  z.string(),
  z.object({ seconds: z.number().nonnegative(), bytes: z.number().nonnegative(), time: z.string() }),
);

export type RestoreTime = z.infer<typeof timesSchema>[string];
type RestoreTimes = z.infer<typeof timesSchema>;

const fileName = 'restore-times.json';

/** By `application/component`. Empty where nothing is known: a plan does not fail for that. */
export async function readRestoreTimes(stateFolder: string): Promise<RestoreTimes> {
  try {
    return timesSchema.parse(JSON.parse(await readFile(join(stateFolder, fileName), 'utf8')));
  } catch {
    return {};
  }
}

/** Remembers one. */
export async function rememberRestoreTime(stateFolder: string, key: string, time: RestoreTime): Promise<void> {
  const times = { ...(await readRestoreTimes(stateFolder)), [key]: time };
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const [file, next] = [join(stateFolder, fileName), join(stateFolder, `${fileName}.${process.pid}`)];
  await writeFile(next, `${JSON.stringify(times, undefined, 1)}\n`, { mode: 0o600 });
  await rename(next, file);
}
