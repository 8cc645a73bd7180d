import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { startChild } from './run-child.ts';

function start(script: string, graceMs = 60_000) {
  const program = { file: process.execPath, args: ['-e', script] };
  return startChild({ program, words: ['word'], environment: { PATH: process.env['PATH'] ?? '' }, folder: tmpdir(), graceMs });
}

test('it hears how a run ended and keeps little of what it said', async () => {
  const child = start(`
    const say = (record) => console.log(JSON.stringify(record));
    const complain = (record) => console.error(JSON.stringify(record));
    for (let i = 0; i < 40; i++) complain({ message_type: 'error', error: { message: 'denied' }, item: '/f' + i });
    complain({ message_type: 'exit_error', error: 'storage-full', message: 'Cannot write.', hint: 'Make room.', code: 1 });
    console.log('no record'); console.log('{broken'); console.log('{' + 'x'.repeat(3_000_000) + '}');
    say({ message_type: 'summary', bytes: 7, words: process.argv.slice(1), text: 'y'.repeat(5000) });
    process.exitCode = 1;`);
  const { problems, summary, ...rest } = await child.ended;
  expect(rest).toEqual({ status: 1, error: { code: 'storage-full', message: 'Cannot write.', hint: 'Make room.' } });
  expect([problems.length, problems[0]]).toEqual([12, '/f0: denied']);
  expect(summary).toEqual({ message_type: 'summary', bytes: 7, text: 'y'.repeat(500) });
});

test('one that does not end when it is asked to is ended by force', async () => {
  const child = start(
    "process.on('SIGTERM', () => {}); console.log(JSON.stringify({ message_type: 'status', ready: true })); setInterval(() => {}, 1000)",
    200,
  );
  for (let turn = 0; turn < 600 && child.progress() === undefined; turn++) await new Promise((resolve) => setTimeout(resolve, 50));
  child.stop();
  expect(await child.ended).toEqual({ signal: 'SIGKILL', problems: [] });
});

test('what cannot be started has ended with an error', async () => {
  const program = { file: '/nowhere/node', args: [] };
  const child = startChild({ program, words: [], environment: {}, folder: tmpdir() });
  expect(await child.ended).toMatchObject({ problems: [], error: { code: 'run-not-started' } });
});
