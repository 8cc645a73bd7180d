import type { AlarmDocumentKind, AlarmStore } from './alarm-store.ts';

/** A store that is gone with the process: for tests, and where the catalog cannot be opened. */
export function createMemoryAlarmStore(): AlarmStore {
  const kinds: Record<AlarmDocumentKind, Map<string, string>> = { alarm: new Map(), notice: new Map(), route: new Map() };
  return {
    list: (kind) => [...kinds[kind]].map(([id, text]) => ({ id, text })),
    put: (kind, { id, text }) => void kinds[kind].set(id, text),
    remove: (kind, id) => void kinds[kind].delete(id),
    transact: (work) => work(),
  };
}
