import { expect, test } from 'vitest';
import { runSubprocess, startSubprocess } from './subprocess.ts';

const shell = (script: string) => ({ file: '/bin/sh', args: ['-c', script], env: { PATH: process.env['PATH'] ?? '' } });

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

test('output, status and the end of stderr come back', async () => {
  const end = await runSubprocess(shell('echo out; head -c 200000 /dev/zero | tr "\\0" x >&2; echo last >&2; exit 7'));
  expect(end).toMatchObject({ status: 7, killedBy: undefined, startFailure: undefined });
  expect(end.stdout.toString()).toBe('out\n');
  expect(end.stderr).toHaveLength(65_536);
  expect(end.stderr.endsWith('last\n')).toBe(true);
});

test('input is written, and nothing of our environment is inherited', async () => {
  const end = await runSubprocess({ ...shell('cat; echo "[$HOME]"'), input: chunks('one ', 'two ') });
  expect(end.stdout.toString()).toBe('one two []\n');
});

test('a program that does not read its input is judged by its status', async () => {
  const end = await runSubprocess({ ...shell('exit 3'), input: chunks(...Array.from({ length: 50 }, () => 'x'.repeat(100_000))) });
  expect(end).toMatchObject({ status: 3, inputFailure: undefined });
});

test('a program whose input breaks is ended before it takes that for the end', async () => {
  const broken = async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half');
    await Promise.reject(new Error('the source broke'));
  };
  const end = await runSubprocess({ ...shell('cat >/dev/null && echo finished'), input: broken() });
  expect(end).toMatchObject({ status: undefined, killedBy: 'SIGTERM', inputFailure: { message: 'the source broke' } });
  expect(end.stdout.toString()).toBe('');
});

test('a program that is not there shows in the end, and does not throw', async () => {
  const end = await runSubprocess({ file: '/nowhere/program', args: [], env: {}, input: chunks('x') });
  expect(end.startFailure?.message).toContain('ENOENT');
  expect(end.status).toBeUndefined();
});

test('an abort ends it, and so does leaving its output', async () => {
  const controller = new AbortController();
  const aborted = startSubprocess({ ...shell('exec sleep 600'), signal: controller.signal });
  controller.abort();
  expect(await aborted.ended).toMatchObject({ killedBy: 'SIGTERM' });
  const left = startSubprocess(shell('exec yes'));
  for await (const chunk of left.output) if (chunk.length > 0) break;
  await left.stop();
  expect((await left.ended).status ?? (await left.ended).killedBy).not.toBe(0);
  const late = startSubprocess({ ...shell('exec sleep 600'), signal: controller.signal });
  expect(await late.ended).toMatchObject({ killedBy: 'SIGTERM' });
});

test('a limit bounds what is kept of the output', async () => {
  await expect(runSubprocess(shell('exec yes'), 100_000)).rejects.toThrow(RangeError);
});
