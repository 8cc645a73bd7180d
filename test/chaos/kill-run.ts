/** Kills a run of holdfast at a chosen moment, as a power cut, the kernel or an impatient person would. */
import { statSync, watch, type FSWatcher } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { startHoldfast } from '../harness/programs/run-programs.ts';

/** When to kill: so long after the start, or at the nth change of any folder of the repository. */
export type Moment = { readonly milliseconds: number } | { readonly changes: number };

/** Runs the command and sends SIGKILL at the moment. False where the run was over before; it must then have gone well. */
export async function killRun(repository: string, words: readonly string[], moment: Moment): Promise<boolean> {
  const { child, ended } = startHoldfast(repository, words);
  const kill = (): void => void child.kill('SIGKILL');
  using changes = new ChangeCounter(repository, (count) => {
    if ('changes' in moment && count >= moment.changes) kill();
  });
  if ('milliseconds' in moment) {
    await Promise.race([sleep(moment.milliseconds), ended]);
    kill();
  }
  const { killed, status, stderr } = await ended;
  if (!killed && status !== 0)
    throw new Error(`a run ended with status ${status} before it was killed (${changes.count} changes): ${stderr}`);
  return killed;
}

/** How long a whole run takes, and how many changes it makes. Throws where it fails. */
export async function measureRun(
  repository: string,
  words: readonly string[],
): Promise<{ readonly milliseconds: number; readonly changes: number }> {
  const began = performance.now();
  using changes = new ChangeCounter(repository, () => {});
  const { status, stderr } = await startHoldfast(repository, words).ended;
  if (status !== 0) throw new Error(`${words.join(' ')} ended with status ${status}: ${stderr}`);
  return { milliseconds: performance.now() - began, changes: changes.count };
}

/** Counts what happens to the names in a repository's folders, those that are made meanwhile among them. */
class ChangeCounter implements Disposable {
  count = 0;
  readonly #watchers: FSWatcher[] = [];
  readonly #onChange: (count: number) => void;

  constructor(folder: string, onChange: (count: number) => void) {
    this.#onChange = onChange;
    this.#watch(folder);
    for (const name of ['locks', 'index', 'snapshots', 'data', '.holdfast-staging']) this.#watch(join(folder, name));
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, (event, name) => {
        if (event !== 'rename') return;
        this.count += 1;
        this.#onChange(this.count);
        const path = join(folder, name ?? '');
        if (name !== null && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) this.#watch(path);
      });
      watcher.on('error', () => {});
      this.#watchers.push(watcher);
    } catch {
      // It is not there yet; its parent tells when it comes.
    }
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers) watcher.close();
  }
}
