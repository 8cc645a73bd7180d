/** Tells the people of the configuration while something is put back. Whatever goes wrong with that is a remark: what is put back does not wait for it. */
import type { Configuration } from '../config/configuration.ts';
import { reasonOf, toHoldfastError } from '../errors.ts';
import type { EventSink } from '../events.ts';
import type { AlarmStore } from '../observe/notify/alarm-store.ts';
import type { RecoveryEnding, RecoverySubject } from '../operations/notify/recovery-messages.ts';
import type { RecoveryTeller, ToldRoutes } from '../operations/notify/recovery-teller.ts';
import type { CommandContext, Environment } from './command-context.ts';
import type { OptionDescription } from './command-description.ts';

export const notifyOption: OptionDescription = {
  flags: '--no-notify',
  text: 'tell nobody of the configuration about it, such as for a rehearsal',
};

/** One message, and one attempt at it: what fails is kept for the next run or the daemon. */
const withinMs = 8000;

export class RecoveryTelling {
  readonly #context: CommandContext;
  #teller: RecoveryTeller | undefined;
  #subject: RecoverySubject | undefined;
  #close: () => void = () => {};
  #isEnded = false;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  /** For the work: what it says of its phases is how far it is. */
  get events(): EventSink {
    return (event) => {
      if (event.type === 'phase') this.#teller?.step(event.phase);
      this.#context.events(event);
    };
  }

  /** Whether anybody is to be told. */
  wants({ notify = [] }: Configuration): boolean {
    return notify.length > 0 && !this.#context.options.has('no-notify');
  }

  /** Nothing happens where nobody is to be told. Never throws. */
  async begin(subject: RecoverySubject, configuration: Configuration, environment: Environment): Promise<void> {
    if (!this.wants(configuration)) return;
    try {
      const { openNotifier } = await import('../operations/notify/open-notifier.ts');
      const { beginTelling } = await import('../operations/notify/recovery-teller.ts');
      const { clock } = this.#context;
      const store = await this.#openStore();
      const notifier = openNotifier(configuration, { store, clock, environment, onceWithinMs: withinMs });
      this.#subject = subject;
      this.#teller = beginTelling(subject, { notifier, clock });
    } catch (error) {
      this.#context.output.remark(`nobody is told of this recovery: ${reasonOf(error)}`);
    }
  }

  end(ending: RecoveryEnding): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#teller?.end(ending);
  }

  /** It ended with an error. */
  fail(thrown: unknown): void {
    if (this.#subject === undefined) return;
    const { signal, clock } = this.#context;
    const { message, hint } = toHoldfastError(thrown);
    const seconds = Math.max(0, clock.now().getTime() - this.#subject.began.getTime()) / 1000;
    this.end({ verdict: 'failed', seconds, sentences: signal.aborted ? ['Somebody stopped it.'] : [message, hint], facts: {} });
  }

  /** Never throws. */
  async close(): Promise<void> {
    if (this.#teller === undefined) return;
    const { output } = this.#context;
    const { reached, missed }: ToldRoutes = await this.#teller.close();
    this.#close();
    if (reached.length > 0) output.say(`told: ${reached.join(', ')}`);
    for (const { route, reason } of missed) output.remark(`not told: ${route} (${reason})`);
  }

  /** On a host whose catalog cannot be opened what is not sent is forgotten. */
  async #openStore(): Promise<AlarmStore> {
    try {
      const { openHostCatalog } = await import('./open-catalog.ts');
      const catalog = await openHostCatalog(this.#context);
      this.#close = () => catalog.close();
      return catalog.alarms;
    } catch (error) {
      this.#context.output.remark(`what cannot be sent is not kept: ${reasonOf(error)}`);
      const { createMemoryAlarmStore } = await import('../observe/notify/memory-alarm-store.ts');
      return createMemoryAlarmStore();
    }
  }
}

/** Does something that people may be told of; that it failed is told too. */
export async function withRecoveryTold<Result>(
  context: CommandContext,
  work: (telling: RecoveryTelling) => Promise<Result>,
): Promise<Result> {
  const telling = new RecoveryTelling(context);
  try {
    return await work(telling);
  } catch (error) {
    telling.fail(error);
    throw error;
  } finally {
    await telling.close();
  }
}
