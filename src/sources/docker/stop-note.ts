/** What is stopped at the moment, on disk: written before the first container is stopped, gone when all run again. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { readProcessStart } from '../../util/process-start.ts';

const noteSchema = z.object({
  version: z.literal(1),
  owner: z.object({ pid: z.number().int().positive(), started: z.string() }),
  engine: z.record(z.string(), z.string()),
  containers: z.array(z.object({ id: z.string().min(1), name: z.string() })),
});

export type StopNote = z.infer<typeof noteSchema>;

const folderOf = (stateFolder: string): string => join(stateFolder, 'stopped');

/** Writes a note for this process, down to the disk. Its path. Throws what the file system throws. */
export async function writeNote(stateFolder: string, note: Pick<StopNote, 'engine' | 'containers'>): Promise<string> {
  const folder = folderOf(stateFolder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${randomUUID()}.json`);
  const owner = { pid: process.pid, started: await readProcessStart(process.pid) };
  const handle = await open(`${file}.part`, 'wx', 0o600);
  try {
    await handle.writeFile(JSON.stringify({ version: 1, owner, ...note } satisfies StopNote));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.part`, file);
  await syncFolder(folder);
  return file;
}

/** The note, or undefined where it is gone or is none. */
export async function readNote(file: string): Promise<StopNote | undefined> {
  try {
    return noteSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** No error where it is gone. */
export async function removeNote(file: string): Promise<void> {
  await rm(file, { force: true });
  await syncFolder(dirname(file)).catch(() => {});
}

/** The notes of this host whose processes have ended, by their files. */
export async function listForgotten(stateFolder: string): Promise<{ readonly file: string; readonly note: StopNote }[]> {
  const folder = folderOf(stateFolder);
  const names = await readdir(folder).catch(() => []);
  const forgotten: { file: string; note: StopNote }[] = [];
  for (const name of names.filter((one) => one.endsWith('.json'))) {
    const file = join(folder, name);
    const note = await readNote(file);
    if (note !== undefined && (await readProcessStart(note.owner.pid)) !== note.owner.started) forgotten.push({ file, note });
  }
  return forgotten;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
