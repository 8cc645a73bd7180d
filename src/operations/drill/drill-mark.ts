/**
 * The mark that everything temporary of a drill carries in its name: on which host, by which process, since when. It proves itself by a check at its
 * end, so that nothing that people named is ever taken for one, however it begins.
 */
import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { readProcessStart } from '../../util/process-start.ts';

export interface DrillMark {
  /** In lower case, with underscores: fit for a database, a volume and a Compose project, and short enough for each. */
  readonly text: string;
  /** A name for one of several things of the same kind. */
  name(number: number): string;
}

const beginning = 'holdfast_drill_';
const form = /^(holdfast_drill_([0-9a-f]{8})_(\d{1,10})_(\d{1,20}|alive)_[0-9a-f]{6}(?:_\d{1,4})?)_([0-9a-f]{8})$/;

/** A new one, of this process. */
export async function createMark(): Promise<DrillMark> {
  const started = await readProcessStart(process.pid);
  const stem = `${beginning}${hostDigits()}_${process.pid}_${started}_${randomBytes(3).toString('hex')}`;
  return { text: withCheck(stem), name: (number) => withCheck(`${stem}_${number}`) };
}

/** Whether a name is that of something temporary that a drill of this host left behind: its process is gone. */
export async function isForgotten(name: string): Promise<boolean> {
  const [, stem, host, pid, started, check] = form.exec(name) ?? [];
  if (stem === undefined || host !== hostDigits() || check !== checkOf(stem)) return false;
  return (await readProcessStart(Number(pid))) !== started;
}

/** What the names in a list of candidates begin with, for asking a server or an engine. */
export const markBeginning = beginning;

function withCheck(stem: string): string {
  return `${stem}_${checkOf(stem)}`;
}

function checkOf(stem: string): string {
  return createHash('sha256').update(`holdfast drill\n${stem}`).digest('hex').slice(0, 8);
}

function hostDigits(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
}
