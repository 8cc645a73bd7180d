import { HoldfastError } from '../../errors.ts';
import { pause } from '../interruption.ts';
import { readSourceFile } from '../source-file.ts';
import type { StorageOperation } from '../storage-operation.ts';
import type { ByteRange, ObjectInfo, PutOptions, Storage } from '../storage.ts';
import { FaultPlan, type Fault } from './fault-plan.ts';

/**
 * A storage that fails as planned. Deterministic: the same plan and the same order of calls give the same faults.
 * Has no `local`, so that no byte passes around it.
 * @param seed for faults with a `chance` and for the places of flipped bits
 */
export function createFaultyStorage(inner: Storage, faults: readonly Fault[], seed = 1): FaultyStorage {
  return new FaultyStorage(inner, new FaultPlan(faults, seed));
}

export class FaultyStorage implements Storage {
  readonly location: string;
  readonly #inner: Storage;
  readonly #plan: FaultPlan;

  constructor(inner: Storage, plan: FaultPlan) {
    this.location = inner.location;
    this.#inner = inner;
    this.#plan = plan;
  }

  /** How many faults took effect so far: a test that injects must see that it did. */
  get injected(): number {
    return this.#plan.injected;
  }

  async create(): Promise<void> {
    await this.#begin('create', '');
    await this.#inner.create();
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    const fault = await this.#begin('get', key, signal);
    if (fault?.kind === 'vanish') throw new HoldfastError('storage-missing', { key, location: this.location });
    const data = await this.#inner.get(key, range, signal);
    switch (fault?.kind) {
      case 'short':
        throw new HoldfastError('storage-short', { key, location: this.location, wanted: data.length, got: Math.floor(data.length / 2) });
      case 'truncate':
        return data.slice(0, Math.floor(data.length / 2));
      case 'flip':
        return this.#plan.flipBit(data, fault.bit);
      default:
        return data;
    }
  }

  async put(key: string, data: Uint8Array, options: PutOptions = {}): Promise<void> {
    const fault = await this.#begin('put', key, options.signal);
    if (fault?.kind === 'lose') return;
    await this.#inner.put(key, data, options);
    if (fault?.kind === 'fail-after') throw this.#failure(fault.code, 'write', key);
  }

  async putFile(key: string, path: string, options: PutOptions = {}): Promise<void> {
    const fault = await this.#begin('putFile', key, options.signal);
    if (fault?.kind === 'lose') return;
    if (fault?.kind !== 'fail-after') return this.#inner.putFile(key, path, options);
    /* As a server does that stored the object and whose answer was lost: the file is still here. */
    await this.#inner.put(key, await readSourceFile({ path, key, location: this.location }), options);
    throw this.#failure(fault.code, 'write', key);
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    const fault = await this.#begin('stat', key);
    return fault?.kind === 'vanish' ? undefined : this.#inner.stat(key);
  }

  /** Faults of `list` are counted an object: the third may vanish, or the listing break off before the fifth. */
  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    for await (const info of this.#inner.list(prefix, signal)) {
      const fault = await this.#begin('list', info.key, signal);
      if (fault?.kind !== 'vanish') yield info;
    }
  }

  async remove(key: string): Promise<void> {
    const fault = await this.#begin('remove', key);
    if (fault?.kind === 'lose') return;
    await this.#inner.remove(key);
    if (fault?.kind === 'fail-after') throw this.#failure(fault.code, 'remove', key);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** Counts the call; fails or waits at once where the plan says so, and returns what is to be done later. */
  async #begin(operation: StorageOperation, key: string, signal?: AbortSignal): Promise<Fault['effect'] | undefined> {
    const effect = this.#plan.next(operation, key);
    if (effect?.kind === 'fail') throw this.#failure(effect.code, operation, key);
    if (effect?.kind === 'delay') await pause(effect.milliseconds, signal);
    return effect;
  }

  #failure(code: InjectedCode | undefined, action: string, key: string): HoldfastError {
    return new HoldfastError(code ?? 'storage-failed', {
      action,
      key,
      location: this.location,
      reason: 'a fault was injected',
      wanted: 1,
      got: 0,
    });
  }
}

type InjectedCode = NonNullable<Extract<Fault['effect'], { kind: 'fail' }>['code']>;
