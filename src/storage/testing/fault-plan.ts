import type { ErrorCode } from '../../errors.ts';
import type { StorageOperation } from '../storage-operation.ts';

type StorageErrorCode = Extract<ErrorCode, `storage-${string}`>;

export type FaultEffect =
  /** The call does nothing and throws. Default code `storage-failed`. */
  | { readonly kind: 'fail'; readonly code?: StorageErrorCode }
  /** The call does all of its work, then throws: the caller cannot know. */
  | { readonly kind: 'fail-after'; readonly code?: StorageErrorCode }
  /** `put`, `putFile`, `remove` succeed and do nothing. */
  | { readonly kind: 'lose' }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** `get` notices that too few bytes came: `storage-short`. */
  | { readonly kind: 'short' }
  /** `get` returns half of the bytes, as a broken driver does. */
  | { readonly kind: 'truncate' }
  /** `get` returns the bytes with one bit flipped: the given one, counted from 0, or a seeded one. */
  | { readonly kind: 'flip'; readonly bit?: number }
  /** `get`, `stat` and `list` do not see the object. */
  | { readonly kind: 'vanish' };

export interface Fault {
  /** Which calls; default every operation. */
  readonly operation?: StorageOperation;
  /** Which keys; default every key. */
  readonly key?: RegExp;
  /** The first matching call that is hit, from 1. Default 1. */
  readonly from?: number;
  /** How many matching calls are hit from there on. Default all. */
  readonly times?: number;
  /** Hits only this share (0 to 1) of those calls, drawn with the seed. Default 1. */
  readonly chance?: number;
  readonly effect: FaultEffect;
}

/** Counts calls and tells which fault hits each: the first in the plan that applies. */
export class FaultPlan {
  readonly #rules: { readonly fault: Fault; seen: number }[];
  #state: number;
  injected = 0;

  constructor(faults: readonly Fault[], seed: number) {
    this.#rules = faults.map((fault) => ({ fault, seen: 0 }));
    this.#state = seed >>> 0;
  }

  next(operation: StorageOperation, key: string): FaultEffect | undefined {
    let hit: FaultEffect | undefined;
    for (const rule of this.#rules) {
      if (!matches(rule.fault, operation, key)) continue;
      rule.seen += 1;
      if (hit === undefined && this.#hits(rule.fault, rule.seen)) hit = rule.fault.effect;
    }
    if (hit !== undefined) this.injected += 1;
    return hit;
  }

  /** A copy with one bit flipped; no bytes, no flip. */
  flipBit(data: Uint8Array, bit?: number): Uint8Array {
    const copy = new Uint8Array(data);
    if (copy.length === 0) return copy;
    const place = bit ?? Math.floor(this.#draw() * copy.length * 8);
    const index = Math.floor(place / 8) % copy.length;
    copy[index] = (copy[index] ?? 0) ^ (1 << (place % 8));
    return copy;
  }

  #hits(fault: Fault, call: number): boolean {
    const first = fault.from ?? 1;
    if (call < first || call >= first + (fault.times ?? Number.POSITIVE_INFINITY)) return false;
    return fault.chance === undefined || this.#draw() < fault.chance;
  }

  /** The next number of a linear congruential sequence, 0 up to 1. */
  #draw(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 2 ** 32;
  }
}

function matches(fault: Fault, operation: StorageOperation, key: string): boolean {
  if (fault.operation !== undefined && fault.operation !== operation) return false;
  return fault.key === undefined || key.search(fault.key) !== -1;
}
