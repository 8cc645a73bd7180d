import { createHash } from 'node:crypto';

/**
 * Where alarms outlive the process: open ones, messages that are still to be sent, and how each route does. The catalog implements it; the
 * notifier alone knows what is in the documents, and takes one that it cannot read for one that is not there.
 *
 * Several processes may use one store at a time (a daemon, and a backup that somebody started): what is read and written inside `transact`
 * is not changed by another in between.
 */
export type AlarmDocumentKind = 'alarm' | 'notice' | 'route';

export interface AlarmDocument {
  /** At most 400 characters. */
  readonly id: string;
  /** JSON, at most 64 KiB. */
  readonly text: string;
}

export interface AlarmStore {
  /** All of a kind, in the order in which their ids were first put. A notifier keeps at most 1,000 of a kind. */
  list(kind: AlarmDocumentKind): readonly AlarmDocument[];
  /** Adds it, or replaces the one with this id, which keeps its place. */
  put(kind: AlarmDocumentKind, document: AlarmDocument): void;
  /** Nothing happens where there is none. */
  remove(kind: AlarmDocumentKind, id: string): void;
  /** Runs `work` with no other process writing between. Never nested. What `work` throws undoes it, and is thrown on. */
  transact<Value>(work: () => Value): Value;
}

/** The part of a store that belongs to one configuration: a host may have several, each with routes and alarms of its own. */
export function scopeAlarmStore(store: AlarmStore, scope: string): AlarmStore {
  const prefix = `${createHash('sha256').update(scope).digest('hex').slice(0, 16)}:`;
  return {
    list: (kind) => store.list(kind).flatMap(({ id, text }) => (id.startsWith(prefix) ? [{ id: id.slice(prefix.length), text }] : [])),
    put: (kind, { id, text }) => store.put(kind, { id: `${prefix}${id}`, text }),
    remove: (kind, id) => store.remove(kind, `${prefix}${id}`),
    transact: (work) => store.transact(work),
  };
}
