/** What stands aside at the moment, on disk: written before anything is moved, gone when the recovery is done or undone. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readProcessStart } from '../../util/process-start.ts';

const noteSchema = z.object({
  version: z.literal(1),
  dataDirectory: z.string().min(1),
  /** Whether its server ran. */
  running: z.boolean(),
  /** Empty once the server has been recovered: then nothing is put back. `volume`: the Docker volume that was made to keep it in. */
  moves: z.array(z.object({ from: z.string().min(1), aside: z.string().min(1), volume: z.string().min(1).optional() })),
  /** Of a server in containers: how they are reached, and what the container of the recovery is for. */
  container: z.object({ engine: z.record(z.string(), z.string()), purpose: z.string(), ids: z.array(z.string().min(1)) }).optional(),
  owner: z.object({ pid: z.number().int().positive(), started: z.string() }).optional(),
});

/** Where each folder was, and where it is kept meanwhile. */
export type InPlaceNote = z.infer<typeof noteSchema>;

const folderOf = (stateFolder: string): string => join(stateFolder, 'in-place');
const stemOf = (dataDirectory: string): string => createHash('sha256').update(dataDirectory).digest('hex').slice(0, 16);
const fileOf = (stateFolder: string, dataDirectory: string): string => join(folderOf(stateFolder), `${stemOf(dataDirectory)}.json`);

/** As this process's. */
export async function writeInPlaceNote(stateFolder: string, note: Omit<InPlaceNote, 'version' | 'owner'>): Promise<void> {
  await mkdir(folderOf(stateFolder), { recursive: true, mode: 0o700 });
  const file = fileOf(stateFolder, note.dataDirectory);
  const handle = await open(`${file}.part`, 'w', 0o600);
  try {
    const owner = { pid: process.pid, started: await readProcessStart(process.pid) };
    await handle.writeFile(JSON.stringify({ version: 1, owner, ...note } satisfies InPlaceNote));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.part`, file);
}

export async function removeInPlaceNote(stateFolder: string, dataDirectory: string): Promise<void> {
  for (const file of await filesOf(stateFolder, dataDirectory)) await rm(file, { force: true });
}

/** What an earlier recovery of this directory left, if it died. */
export async function readInPlaceNote(stateFolder: string, dataDirectory: string): Promise<InPlaceNote | undefined> {
  const [file] = await filesOf(stateFolder, dataDirectory);
  return file === undefined ? undefined : readNoteFile(file);
}

export async function hasInPlaceNote(stateFolder: string, dataDirectory: string): Promise<boolean> {
  return (await filesOf(stateFolder, dataDirectory)).length > 0;
}

/**
 * Makes what an earlier recovery of this directory left this process's own, so that no two put it right at once. Undefined where there is nothing,
 * or where another is at work.
 */
export async function claimInPlaceNote(stateFolder: string, dataDirectory: string): Promise<InPlaceNote | undefined> {
  const [file] = await filesOf(stateFolder, dataDirectory);
  const note = file === undefined ? undefined : await readNoteFile(file);
  if (file === undefined || note === undefined || note.owner?.pid === process.pid) return note;
  if (await noteOwnerLives(note)) return undefined;
  const owner = { pid: process.pid, started: await readProcessStart(process.pid) };
  const claimed = join(folderOf(stateFolder), `${stemOf(dataDirectory)}.${owner.pid}.${owner.started}.json`);
  try {
    // Of several, one succeeds.
    await rename(file, claimed);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return { ...note, owner };
}

/** All of this host. */
export async function listInPlaceNotes(stateFolder: string): Promise<InPlaceNote[]> {
  const notes = await Promise.all((await namesIn(stateFolder)).map((name) => readNoteFile(join(folderOf(stateFolder), name))));
  return notes.filter((note) => note !== undefined);
}

async function filesOf(stateFolder: string, dataDirectory: string): Promise<string[]> {
  const stem = `${stemOf(dataDirectory)}.`;
  return (await namesIn(stateFolder)).filter((name) => name.startsWith(stem)).map((name) => join(folderOf(stateFolder), name));
}

async function namesIn(stateFolder: string): Promise<string[]> {
  const names = await readdir(folderOf(stateFolder)).catch(() => []);
  return names.filter((name) => name.endsWith('.json'));
}

/** One that was claimed belongs to whom its name says. */
async function readNoteFile(file: string): Promise<InPlaceNote | undefined> {
  try {
    const note = noteSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    const [, pid, started] = /\.(\d+)\.([^.]*)\.json$/.exec(file) ?? [];
    return pid === undefined || started === undefined ? note : { ...note, owner: { pid: Number(pid), started } };
  } catch {
    return undefined;
  }
}

/** Whether another process that wrote it still works. */
export async function noteOwnerLives({ owner }: InPlaceNote): Promise<boolean> {
  return owner !== undefined && owner.pid !== process.pid && (await readProcessStart(owner.pid)) === owner.started;
}
