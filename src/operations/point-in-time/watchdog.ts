/**
 * A program of its own: `node watchdog.ts STATE-FOLDER DATA-DIRECTORY`. Waits until the recovery that started it has ended; where that was killed, what was there
 * before is put back, and the server is started again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { untilStarterEnds } from '../../sources/docker/start-watchdog.ts';

/* Ten minutes: the engine itself may be starting again. */
const attempts = 120;
const pauseMilliseconds = 5000;

if (import.meta.main) {
  await untilStarterEnds();
  const [, , stateFolder = '', dataDirectory = ''] = process.argv;
  await putRightLeft(stateFolder, dataDirectory);
}

async function putRightLeft(stateFolder: string, dataDirectory: string): Promise<void> {
  const { hasInPlaceNote } = await import('./in-place-note.ts');
  for (let attempt = 0; attempt < attempts && (await hasInPlaceNote(stateFolder, dataDirectory)); attempt += 1) {
    if (attempt > 0) await sleep(pauseMilliseconds);
    try {
      const { putRightHere } = await import('./put-right.ts');
      await putRightHere({ stateFolder, dataDirectory, environment: process.env, signal: new AbortController().signal });
    } catch {
      /* The note stays, and the next attempt or the next command reads it. */
    }
  }
}
