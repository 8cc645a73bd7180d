import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import type { Container } from './docker-engine.ts';

/** Starts them one after the other, all of them even where one fails. One that was removed meanwhile is no failure. Throws `docker-start-again`. */
export async function startContainers(containers: readonly Pick<Container, 'name' | 'start'>[]): Promise<void> {
  const failures: { name: string; error: unknown }[] = [];
  for (const { name, start } of containers) {
    try {
      await start();
    } catch (error) {
      if (!isError(error, 'docker-container-missing')) failures.push({ name, error });
    }
  }
  const [first] = failures;
  if (first === undefined) return;
  throw new HoldfastError(
    'docker-start-again',
    { containers: failures.map(({ name }) => name).join(' '), reason: reasonOf(first.error) },
    first.error,
  );
}
