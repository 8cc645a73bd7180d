import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { watchArguments } from './watch-arguments.ts';

const secret = 'only-for-this-test-8f2c';

test.each([
  ['of every process', false],
  ['of a process and what it starts', true],
])('a secret among the arguments %s is seen', async (_, isBelow) => {
  const child = spawn('sh', ['-c', 'sleep 0.3; sh -c "sleep 0.3; exit 0" "$SECRET"; sleep 0.3'], {
    env: { ...process.env, SECRET: secret },
  });
  const watch = watchArguments([secret, 'another'], isBelow ? { below: child.pid } : {});
  await once(child, 'close');
  expect(await watch.stop()).toEqual([expect.stringContaining(secret)]);
});

test('a secret in the environment is none among the arguments', async () => {
  const child = spawn('sh', ['-c', 'sleep 0.3; exit 0'], { env: { ...process.env, SECRET: secret } });
  const watch = watchArguments([secret]);
  await once(child, 'close');
  expect(await watch.stop()).toEqual([]);
});
