/** What a container logged last, for an error's sentence. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '../../sources/docker/docker-engine.ts';
import type { Environment } from './application-tools.ts';
import { maskSecrets } from './mask-secrets.ts';

const lines = 5;
const longest = 1000;
const kept = 64 * 1024;
const limitMs = 5000;

/** The last lines, without their times and without secrets of the environment or the container's own. Empty where the log cannot be read. */
export async function readLastLines(container: Container, environment: Environment, since: Date): Promise<string> {
  let tail = Buffer.alloc(0);
  const read = async (): Promise<void> => {
    for await (const chunk of container.logs(since)) {
      const all = Buffer.concat([tail, chunk]);
      tail = Buffer.from(all.subarray(Math.max(0, all.length - kept)));
    }
  };
  await Promise.race([read().catch(() => {}), sleep(limitMs, undefined, { ref: false })]);
  const said = tail
    .toString('utf8')
    .split('\n')
    .map((line) => line.replace(/^\d{4}-\d\d-\d\dT\S+ ?/, '').trim())
    .filter((line) => line !== '');
  // Masked before it is cut: half of a secret would not be found any more.
  return maskSecrets(maskSecrets(said.slice(-lines).join(' / '), environment), container.environment).slice(-longest);
}
