/**
 * A note in the state folder for as long as a drill runs. One whose process is gone says that something temporary may have been left, so that every command
 * can ask cheaply; what was left is found by its own marks.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isForgotten, type DrillMark } from './drill-mark.ts';

const noteSchema = z.object({ application: z.string().max(1000), began: z.string().max(100) });

export interface ForgottenDrill {
  readonly file: string;
  readonly application: string;
}

function folderOf(stateFolder: string): string {
  return join(stateFolder, 'drills');
}

/** Before anything is made. Gives what removes it, when all was taken away. */
export async function noteDrill(stateFolder: string, mark: DrillMark, application: string, began: Date): Promise<() => Promise<void>> {
  const file = join(folderOf(stateFolder), `${mark.text}.json`);
  await mkdir(folderOf(stateFolder), { recursive: true, mode: 0o700 });
  await writeFile(file, `${JSON.stringify({ application, began: began.toISOString() })}\n`, { mode: 0o600 });
  return () => rm(file, { force: true });
}

/** Drills of this host whose process is gone. */
export async function listForgottenDrills(stateFolder: string): Promise<ForgottenDrill[]> {
  const forgotten: ForgottenDrill[] = [];
  for (const name of await readdir(folderOf(stateFolder)).catch(() => [])) {
    if (!name.endsWith('.json') || !(await isForgotten(name.slice(0, -'.json'.length)))) continue;
    const file = join(folderOf(stateFolder), name);
    const note = await readNote(file);
    if (note !== undefined) forgotten.push({ file, application: note.application });
  }
  return forgotten;
}

/** One that was cut off when it was written says nothing more than that there was a drill. */
async function readNote(file: string): Promise<z.infer<typeof noteSchema> | undefined> {
  try {
    return noteSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return { application: '', began: '' };
  }
}
