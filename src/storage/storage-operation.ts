import type { Storage } from './storage.ts';

/** The calls of a Storage that reach it, for counters and faults. */
export type StorageOperation = Exclude<keyof Storage, 'location' | 'local' | 'retention' | 'archive' | 'invalidate' | 'probe' | 'close'>;
