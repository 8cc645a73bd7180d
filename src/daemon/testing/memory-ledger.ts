import type { Clock } from '../../util/clock.ts';
import type { Ledger } from '../due-times.ts';

/** A ledger that lasts as long as the test. */
export function memoryLedger(clock: Clock): Ledger {
  const known = new Map<string, { added: Date; lastDueRun?: Date }>();
  const see = (jobId: string): { added: Date; lastDueRun?: Date } => {
    const entry = known.get(jobId) ?? { added: clock.now() };
    known.set(jobId, entry);
    return entry;
  };
  return { see, served: (jobId, due) => void (see(jobId).lastDueRun = due) };
}
