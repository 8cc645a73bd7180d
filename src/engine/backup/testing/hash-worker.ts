/** A blob worker that only hashes: for tests of how contents are cut. */
import { hash } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { JobTaker } from '../job-queue.ts';
import type { SharedState } from '../shared-state.ts';

// Only a test starts this file.
const shared = workerData as SharedState;
const bytes = new Uint8Array(shared.memory.buffer);

new JobTaker(shared).run((address, length) => hash('sha256', bytes.subarray(address, address + length), 'buffer'));
