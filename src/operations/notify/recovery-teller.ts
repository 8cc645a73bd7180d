/**
 * Tells people of a recovery while it goes on. Sending goes beside it: a route that does not answer delays nothing, and what could not be sent waits
 * in the store for whoever sends next.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '../../errors.ts';
import type { Alarm } from '../../observe/notify/alarm.ts';
import type { Notifier } from '../../observe/notify/notifier.ts';
import type { Clock } from '../../util/clock.ts';
import { recoveryBegins, recoveryEnded, recoveryGoesOn, type RecoveryEnding, type RecoverySubject } from './recovery-messages.ts';

export interface TellerOptions {
  readonly notifier: Notifier;
  readonly clock: Clock;
  /** Milliseconds between two messages that it goes on: 15 minutes. */
  readonly everyMs?: number;
}

/** Whom it reached. */
export interface ToldRoutes {
  readonly reached: readonly string[];
  readonly missed: readonly { readonly route: string; readonly reason: string }[];
  /** What kept anything from being told. */
  readonly problem?: string;
}

export interface RecoveryTeller {
  /** How far it is: told at most every 15 minutes. */
  step(name: string): void;
  end(ending: RecoveryEnding): void;
  /** Waits a little for what is being sent. Never throws. */
  close(): Promise<ToldRoutes>;
}

const usualEvery = 15 * 60_000;
/** What is being sent when it is over may take so long; each message has a limit of its own, below this. */
const lastPatience = 10_000;

/** Tells that it begins. Never throws. */
export function beginTelling(subject: RecoverySubject, options: TellerOptions): RecoveryTeller {
  const { notifier, clock, everyMs = usualEvery } = options;
  const answers = new Map<string, { readonly ok: boolean; readonly answer: string }>();
  let problem: string | undefined;
  const sending: Promise<void>[] = [];
  let lastTold = clock.now();
  let current: string | undefined;

  const send = async (): Promise<void> => {
    try {
      for (const { route, ok, answer } of await notifier.flush()) answers.set(route, { ok, answer });
    } catch (error) {
      problem = reasonOf(error);
    }
  };
  const tell = (alarm: Alarm): void => {
    try {
      notifier.raise(alarm);
    } catch (error) {
      problem = reasonOf(error);
    }
    lastTold = clock.now();
    // Not one after the other: who answers at once does not wait for who does not, and the queue keeps each route's messages in order.
    sending.push(send());
  };
  const goOn = (): void => {
    const now = clock.now();
    if (current !== undefined && now.getTime() - lastTold.getTime() >= everyMs) tell(recoveryGoesOn(subject, current, now));
  };
  // A step may take hours.
  const timer = setInterval(goOn, Math.min(everyMs, 60_000));
  timer.unref();
  tell(recoveryBegins(subject));

  return {
    step: (name) => {
      if (subject.steps.length > 0 && !subject.steps.includes(name)) return;
      current = name;
      goOn();
    },
    end: (ending) => {
      clearInterval(timer);
      tell(recoveryEnded(subject, ending, clock.now()));
    },
    close: async () => {
      clearInterval(timer);
      const over = new AbortController();
      const isSent = await Promise.race([
        Promise.all(sending).then(() => true),
        sleep(lastPatience, false, { signal: over.signal }).catch(() => false),
      ]);
      over.abort();
      return toldBy(notifier, answers, isSent ? problem : (problem ?? 'it took too long'));
    },
  };
}

function toldBy(
  notifier: Notifier,
  answers: ReadonlyMap<string, { readonly ok: boolean; readonly answer: string }>,
  problem: string | undefined,
): ToldRoutes {
  const wanted = notifier.routes().filter(({ on }) => on.includes('recovery'));
  return {
    reached: wanted.flatMap(({ name }) => (answers.get(name)?.ok === true ? [name] : [])),
    missed: wanted.flatMap(({ name }) => {
      const { ok, answer } = answers.get(name) ?? { ok: problem === undefined, answer: problem ?? '' };
      return ok ? [] : [{ route: name, reason: answer }];
    }),
    ...(problem === undefined ? {} : { problem }),
  };
}
