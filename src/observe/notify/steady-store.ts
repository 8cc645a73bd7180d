/** A store that goes on in memory where the real one fails: on a full disk an alarm is needed most. */
import { reasonOf } from '../../errors.ts';
import type { AlarmDocumentKind, AlarmStore } from './alarm-store.ts';
import { createMemoryAlarmStore } from './memory-alarm-store.ts';

export interface SteadyStore extends AlarmStore {
  /** Why the real one failed; undefined while it works. */
  readonly problem: string | undefined;
  /** Takes what was kept in memory back into the real one, if that works again. */
  recover(): void;
}

const kinds: readonly AlarmDocumentKind[] = ['alarm', 'notice', 'route'];

export function createSteadyStore(real: AlarmStore): SteadyStore {
  let memory: AlarmStore | undefined;
  let problem: string | undefined;

  const fail = (error: unknown): AlarmStore => {
    problem = reasonOf(error);
    memory = createMemoryAlarmStore();
    for (const kind of kinds) for (const document of listSoftly(real, kind)) memory.put(kind, document);
    return memory;
  };
  const use = <Value>(work: (store: AlarmStore) => Value): Value => {
    if (memory !== undefined) return work(memory);
    try {
      return work(real);
    } catch (error) {
      return work(fail(error));
    }
  };

  /* Inside of a transaction a failure must undo it as a whole, and is then met by the transaction. */
  let inside: AlarmStore | undefined;
  return {
    get problem() {
      return problem;
    },
    list: (kind) => (inside ?? { list: (asked: AlarmDocumentKind) => use((store) => store.list(asked)) }).list(kind),
    put: (kind, document) => (inside === undefined ? use((store) => store.put(kind, document)) : inside.put(kind, document)),
    remove: (kind, id) => (inside === undefined ? use((store) => store.remove(kind, id)) : inside.remove(kind, id)),
    transact: (work) =>
      use((store) => {
        inside = store;
        try {
          return store.transact(work);
        } finally {
          inside = undefined;
        }
      }),
    recover: () => {
      if (memory === undefined) return;
      try {
        moveBack(memory, real);
        [memory, problem] = [undefined, undefined];
      } catch (error) {
        problem = reasonOf(error);
      }
    },
  };
}

function moveBack(memory: AlarmStore, real: AlarmStore): void {
  real.transact(() => {
    for (const kind of kinds) {
      const documents = memory.list(kind);
      const ids = new Set(documents.map(({ id }) => id));
      for (const { id } of real.list(kind)) if (!ids.has(id)) real.remove(kind, id);
      for (const document of documents) real.put(kind, document);
    }
  });
}

function listSoftly(store: AlarmStore, kind: AlarmDocumentKind): ReturnType<AlarmStore['list']> {
  try {
    return store.list(kind);
  } catch {
    return [];
  }
}
