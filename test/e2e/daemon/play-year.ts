/** What befalls a machine in a year: something every few days. */
import type { SimulatedHost, Span } from './simulated-host.ts';
import type { SimulatedReceiver } from './simulated-receiver.ts';

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];

interface Befallen {
  /** When the receiver could not be reached. */
  readonly deaf: readonly Span[];
  /** When the clock was wrong by days. */
  readonly astray: Span;
}

/** @param at called when that day is over */
export async function playYear(
  host: SimulatedHost,
  {
    days,
    receiver,
    chance,
    at,
  }: {
    readonly days: number;
    readonly receiver: SimulatedReceiver;
    readonly chance: () => number;
    readonly at: { readonly day: number; readonly look: () => Promise<void> };
  },
): Promise<Befallen> {
  const calm = (days - 5) * day;
  const strayAt = Math.floor(days * (0.3 + 0.4 * chance())) * day;
  const deaf: Span[] = [];
  let astray: Span | undefined;
  let looked = false;
  while (host.time.passed < calm) {
    await host.time.pass(Math.min(calm - host.time.passed, chance() * 4 * day));
    if (!looked && host.time.passed > at.day * day) {
      looked = true;
      await at.look();
    }
    if (astray === undefined && host.time.passed > strayAt) {
      astray = await goAstray(host);
      continue;
    }
    const lot = chance();
    if (lot < 0.25) await host.restart(chance() * 10 * minute);
    else if (lot < 0.4) await host.restart(chance() * 8 * hour);
    else if (lot < 0.5) await host.restart(chance() * 3 * day);
    else if (lot < 0.65) await jumpAndBack(host, (chance() - 0.5) * 6 * hour, (1 + 7 * chance()) * hour);
    else if (lot < 0.75) await hang(host, (2 + 6 * chance()) * hour);
    else if (lot < 0.85) deaf.push(await loseTouch(host, receiver, chance() * day));
  }
  host.isCalm = true;
  await host.time.pass(days * day - host.time.passed);
  if (astray === undefined) throw new Error('the clock never went astray');
  return { deaf, astray };
}

/** Somebody sets the clock wrongly, and somebody else sets it right, after the hour at most that the simulated daemon sleeps. */
async function jumpAndBack(host: SimulatedHost, byMs: number, forMs: number): Promise<void> {
  host.setClock(byMs);
  await host.time.pass(forMs);
  host.setClock(-byMs);
}

/** A clock that is a month ahead for two hours. */
async function goAstray(host: SimulatedHost): Promise<Span> {
  const from = host.time.passed;
  host.astrayMs = 30 * day;
  host.setClock(30 * day);
  await host.time.pass(2 * hour);
  host.setClock(-30 * day);
  host.astrayMs = 0;
  return { from, to: host.time.passed };
}

/** A run comes to no end, until somebody ends it. */
async function hang(host: SimulatedHost, forMs: number): Promise<void> {
  host.hangsNext = true;
  await host.time.pass(forMs);
  if (!host.hangsNext) await host.cancel();
  host.hangsNext = false;
}

/** Nobody can be told. */
async function loseTouch(host: SimulatedHost, receiver: SimulatedReceiver, forMs: number): Promise<Span> {
  const from = host.time.passed;
  receiver.isDown = true;
  await host.time.pass(forMs);
  receiver.isDown = false;
  return { from, to: host.time.passed };
}
