/** A thread that claims ids in an index, for the test of two at once. Reports which it won. */
import { parentPort, workerData } from 'node:worker_threads';
import { BlobIndex } from '../blob-index.ts';
import type { SharedBlobIndex } from '../index-memory.ts';

export interface ClaimWork {
  readonly shared: SharedBlobIndex;
  /** 32 bytes an id. */
  readonly ids: SharedArrayBuffer;
  /** Order in which this thread goes through them: a start and a step without a factor in common with their number. */
  readonly first: number;
  readonly step: number;
  /** Two threads wait for each other here. */
  readonly gate: SharedArrayBuffer;
}

// Only the test starts this file.
const { shared, ids, first, step, gate } = workerData as ClaimWork;
const index = new BlobIndex(shared);
const count = ids.byteLength / 32;
const won: number[] = [];
const arrived = new Int32Array(gate);
Atomics.add(arrived, 0, 1);
while (Atomics.load(arrived, 0) < 2);
for (let round = 0, at = first % count; round < count; round++, at = (at + step) % count) {
  const id = new Uint32Array(ids, at * 32, 8);
  const entry = index.claim(id, at % 3 === 0 ? 'tree' : 'data');
  if (entry < 0) continue;
  won.push(at);
  index.settle(entry, at % 1000, at, 100, 200);
}
parentPort?.postMessage(Int32Array.from(won));
