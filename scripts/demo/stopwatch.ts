/** Lines of the demo's story, and how long each part of it took. */
import { styleText } from 'node:util';

const began = process.hrtime.bigint();

export interface TimedStep {
  readonly name: string;
  readonly seconds: number;
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The next part of the story, with the seconds since the beginning of it all. */
export function heading(text: string): void {
  say(`\n${styleText('cyan', `${secondsSince(began).toFixed(1).padStart(5)} s  ${text}`)}`);
}

/** Does the work, and notes how long it took. */
export async function timed<Result>(steps: TimedStep[], name: string, work: () => Promise<Result>): Promise<Result> {
  const start = process.hrtime.bigint();
  try {
    return await work();
  } finally {
    steps.push({ name, seconds: secondsSince(start) });
  }
}

/** Since the demo began. */
export function secondsPassed(): number {
  return secondsSince(began);
}

function secondsSince(start: bigint): number {
  return Number(process.hrtime.bigint() - start) / 1e9;
}
