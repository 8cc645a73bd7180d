/** Many things are looked at at once, each by itself: one that hangs keeps nobody from hearing of the others. */
import { sayDuration } from '../../policy/say-duration.ts';
import { failed, failedWith, type Check } from './check.ts';

/** What a look is about, for whoever asks for some of them only. */
export const lookGroups = ['host', 'configuration', 'schedule', 'notify', 'repositories', 'docker', 'components'] as const;
export type LookGroup = (typeof lookGroups)[number];

export interface Look {
  readonly group: LookGroup;
  /** As the names of its checks begin: `repository local`, `database`. */
  readonly about: string;
  /** Tells each check when it is done. The signal comes when it has taken too long. */
  readonly run: (signal: AbortSignal) => AsyncIterable<Check> | Iterable<Check>;
}

export interface LookLimits {
  /** Milliseconds that one look may take. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
}

const atOnce = 6;
/** For what was given up: to put away a lock, or a connection. */
const graceMs = 2000;

/** Runs them, a few at once, and tells what they found in their order. Throws only the signal's reason. */
export async function* runLooks(looks: readonly Look[], limits: LookLimits): AsyncGenerator<Check, void, undefined> {
  const results = looks.map((look) => ({ look, ...Promise.withResolvers<readonly Check[]>() }));
  const waiting = results.values();
  const work = async (): Promise<void> => {
    for (const { look, resolve } of waiting) resolve(limits.signal.aborted ? [] : await runLook(look, limits));
  };
  const workers = Array.from({ length: atOnce }, work);
  for (const { promise } of results) {
    const found = await promise;
    limits.signal.throwIfAborted();
    yield* found;
  }
  await Promise.all(workers);
}

/** Never rejects. */
async function runLook({ about, run }: Look, { withinMs, signal }: LookLimits): Promise<readonly Check[]> {
  const checks: Check[] = [];
  const end = new AbortController();
  const collect = async (): Promise<void> => {
    try {
      for await (const check of run(AbortSignal.any([signal, end.signal]))) checks.push(check);
    } catch (error) {
      checks.push(failedWith(`${about}: look`, error));
    }
  };
  const work = collect();
  if (await isDoneWithin(work, withinMs, signal)) return checks;
  const told = [...checks];
  end.abort();
  await isDoneWithin(work, graceMs);
  const what = `no answer within ${sayDuration(withinMs)}`;
  const remedy =
    'Find out what hangs there: the network, a firewall, a server that is busy. Where it is only slow: holdfast doctor --within 5m';
  return [...told, failed(`${about}: look`, what, remedy)];
}

async function isDoneWithin(work: Promise<void>, milliseconds: number, signal?: AbortSignal): Promise<boolean> {
  const limit = Promise.withResolvers<boolean>();
  const giveUp = (): void => limit.resolve(false);
  const timer = setTimeout(giveUp, milliseconds);
  signal?.addEventListener('abort', giveUp, { once: true });
  if (signal?.aborted === true) giveUp();
  try {
    return await Promise.race([work.then(() => true), limit.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}
