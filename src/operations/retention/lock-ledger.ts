/**
 * Until when objects are locked, as far as it was asked or set: a sealed object, since asking the place for each of a hundred thousand packs in every
 * run would take minutes. A lock is never shortened, so what stands here is true or too low.
 */
import { z } from 'zod';
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';

/** Milliseconds since 1970 by storage key; 0 for what is not locked. */
export type LockLedger = Map<string, number>;

const name = 'retention/locks';
/** No date has more. */
const latest = 8_640_000_000_000_000;
const schema = z.object({ locks: z.array(z.tuple([z.string().max(300), z.number().min(0).max(latest)])) });

/** Empty where there is none, or none that can be read: then everything is asked anew. */
export async function readLockLedger(repository: Repository, { signal }: RunContext): Promise<LockLedger> {
  try {
    const { body } = await openSealedObjects(repository).get(name, signal);
    return new Map(schema.parse(JSON.parse(body.toString('utf8'))).locks);
  } catch (error) {
    if (error instanceof HoldfastError && !isError(error, 'damaged') && !isError(error, 'storage-missing')) throw error;
    return new Map();
  }
}

/** Where it cannot be stored, the next run asks again. */
export async function writeLockLedger(repository: Repository, ledger: LockLedger, { events, signal }: RunContext): Promise<void> {
  try {
    await openSealedObjects(repository).put(name, {}, Buffer.from(JSON.stringify({ locks: [...ledger] })), { signal });
  } catch (error) {
    if (isError(error, 'interrupted')) throw error;
    events({ type: 'notice', message: `What is known of locks could not be stored: ${reasonOf(error)}.` });
  }
}
