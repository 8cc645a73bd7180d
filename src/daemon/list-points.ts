/** The points of the first repository, as `holdfast list` prints them: opening a repository takes memory that a daemon at rest need not have. */
import { runSubprocess } from '../util/subprocess.ts';
import { HoldfastError } from '../errors.ts';
import type { Clock } from '../util/clock.ts';
import type { Program } from './program.ts';

type PointRecord = Readonly<Record<string, unknown>>;

export interface ListOrder {
  readonly program: Program;
  /** Words behind `holdfast list`. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
}

/** How long an answer is good for: those who look often get the same one. */
const freshMs = 30_000;
const withinMs = 120_000;
const mostPoints = 1000;

/** Newest first. What it returns throws `api-unready`. */
export function createPointList(order: () => ListOrder, clock: Clock): (limit: number) => Promise<readonly PointRecord[]> {
  let known: { readonly at: number; readonly points: Promise<readonly PointRecord[]> } | undefined;
  return async (limit) => {
    const now = clock.now().getTime();
    if (known === undefined || now - known.at > freshMs || now < known.at) {
      const points = readPoints(order());
      known = { at: now, points };
      // What failed is asked again by the next one.
      points.catch(() => (known = undefined));
    }
    return (await known.points).slice(0, limit);
  };
}

async function readPoints({ program, words, environment, folder }: ListOrder): Promise<readonly PointRecord[]> {
  const limits = ['--json', '--latest', String(mostPoints)];
  const end = await runSubprocess({
    file: program.file,
    args: [...program.args, 'list', ...words, ...limits],
    env: environment,
    folder,
    signal: AbortSignal.timeout(withinMs),
  });
  if (end.status === 0) return linesOf(end.stdout.toString()).toReversed();
  const [said] = linesOf(end.stderr).filter((record) => record['message_type'] === 'exit_error');
  if (said?.['error'] === 'repository-missing') return [];
  const message =
    typeof said?.['message'] === 'string'
      ? said['message'].replace(/\.$/, '')
      : `holdfast list ended with ${end.status ?? end.killedBy ?? 'an error'}`;
  throw new HoldfastError('api-unready', { reason: message });
}

function linesOf(text: string): PointRecord[] {
  return text.split('\n').flatMap((line) => {
    try {
      const record: unknown = line.startsWith('{') ? JSON.parse(line) : undefined;
      return typeof record === 'object' && record !== null ? [{ ...record }] : [];
    } catch {
      return [];
    }
  });
}
