/** A program of its own: `node watchdog.ts NOTE`. Waits until the process that started it has ended, and starts the containers that it left stopped. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { untilStarterEnds } from './start-watchdog.ts';

/* Ten minutes: the engine itself may be starting again. */
const attempts = 120;
const pauseMilliseconds = 5000;

if (import.meta.main) {
  await untilStarterEnds();
  await startLeft(process.argv[2] ?? '');
}

async function startLeft(noteFile: string): Promise<void> {
  for (let attempt = 0; attempt < attempts && existsSync(noteFile); attempt += 1) {
    if (attempt > 0) await sleep(pauseMilliseconds);
    try {
      const { startNoteFile } = await import('./start-forgotten.ts');
      await startNoteFile(noteFile, process.env);
    } catch {
      /* The note stays, and the next attempt or the next command reads it. */
    }
  }
}
