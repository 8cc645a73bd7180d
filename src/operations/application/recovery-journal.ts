/**
 * What a recovery has done so far, one line a step, each on the disk before the next begins: whatever ends the run, the next one knows
 * where to go on.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { HoldfastError } from '../../errors.ts';
import type { RecoveryPlan } from './recovery-plan.ts';

const beginSchema = z.object({
  type: z.literal('begin'),
  identity: z.string(),
  application: z.string(),
  point: z.string(),
  began: z.string(),
});
const stepSchema = z.object({
  type: z.literal('step'),
  name: z.string(),
  status: z.enum(['begun', 'done', 'failed']),
  seconds: z.number().optional(),
  facts: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  problems: z.number().optional(),
});
const endSchema = z.object({ type: z.literal('end'), status: z.string() });
const lineSchema = z.discriminatedUnion('type', [beginSchema, stepSchema, endSchema]);

export type JournalStep = z.infer<typeof stepSchema>;

export interface JournalState {
  readonly point: string;
  readonly identity: string;
  readonly application: string;
  readonly began: string;
  /** By step: the last thing that was noted of it. */
  readonly steps: ReadonlyMap<string, JournalStep>;
  /** It came to its end. */
  readonly ended: boolean;
}

export interface RecoveryJournal {
  readonly note: (step: Omit<JournalStep, 'type'>) => Promise<void>;
  readonly end: (status: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The same plan has the same: point, configuration, target and steps. */
function identityOf({ point, configuration, target, steps }: RecoveryPlan): string {
  const parts = [point.id, configuration, target ?? '', ...steps.map(({ name }) => name)];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** One for each repository that is recovered from. */
export function journalFile(stateFolder: string, repositoryId: string): string {
  return join(stateFolder, `recovery-${repositoryId.slice(0, 16)}.jsonl`);
}

/** Undefined where there is none. A last line that is not whole was never relied on, and does not count. */
export async function readJournal(file: string): Promise<JournalState | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const lines = text.split('\n').slice(0, -1).flatMap(readLine);
  const [begin] = lines;
  if (begin?.type !== 'begin') return undefined;
  const steps = new Map(lines.flatMap((line) => (line.type === 'step' ? [[line.name, line] as const] : [])));
  return { ...begin, steps, ended: lines.some(({ type }) => type === 'end') };
}

function readLine(line: string): z.infer<typeof lineSchema>[] {
  try {
    return [lineSchema.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}

/** Begins a journal in the place of an earlier one. */
export async function beginJournal(folder: string, file: string, plan: RecoveryPlan, began: Date): Promise<RecoveryJournal> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const handle = await open(file, 'w', 0o600);
  const journal = createJournal(handle);
  const { application, point } = plan;
  await write(handle, { type: 'begin', identity: identityOf(plan), application, point: point.id, began: began.toISOString() });
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
  return journal;
}

/** Goes on with one. Throws `recovery-resume` where it is not about the same plan. */
export async function continueJournal(file: string, state: JournalState, plan: RecoveryPlan): Promise<RecoveryJournal> {
  if (state.identity !== identityOf(plan))
    throw new HoldfastError('recovery-resume', {
      reason: `what was begun is a recovery of "${state.application}" from the point ${state.point.slice(0, 8)}, and this is another point, configuration or target`,
    });
  const handle = await open(file, 'a', 0o600);
  // A line that was cut off must not run into the next one.
  await handle.write('\n');
  return createJournal(handle);
}

function createJournal(handle: FileHandle): RecoveryJournal {
  return {
    note: (step) => write(handle, { type: 'step', ...step }),
    end: (status) => write(handle, { type: 'end', status }),
    close: () => handle.close(),
  };
}

async function write(handle: FileHandle, line: z.infer<typeof lineSchema>): Promise<void> {
  await handle.write(`${JSON.stringify(line)}\n`);
  await handle.datasync();
}
