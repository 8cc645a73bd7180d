import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { guard, stopWord } from './server-process.ts';

/* In the guard only, a second passes at once. */
const hurried = `sleep() { command sleep 0.02; }\n${guard}`;
/* It hears SIGINT, and says so; what ends it is SIGQUIT, or a third SIGINT where it has a patience. */
const stubborn = `
import { setTimeout } from 'node:timers';
let heard = 0;
process.on('SIGINT', () => { heard += 1; if (heard === Number(process.argv[1])) { console.log('done by SIGINT'); process.exit(3); } });
process.on('SIGQUIT', () => { console.log('done by SIGQUIT'); process.exit(4); });
console.log('up');
setTimeout(() => {}, 60_000);
`;

/** Starts a server below the guard, and closes its standard input when it is up. */
async function endInput(interrupts: number, word?: string): Promise<{ said: string; status: number | null }> {
  const server = [process.execPath, '--input-type=module', '-e', stubborn, String(interrupts)];
  const child = spawn('sh', ['-c', hurried, 'holdfast-server', ...server], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (!said.includes('up') && text.includes('up')) child.stdin.end(word);
    said += text;
  });
  await once(child, 'close');
  return { said, status: child.exitCode };
}

test('a server that hears SIGINT is never ended otherwise, however long it takes when it was asked to stop', async () => {
  expect(await endInput(40, stopWord)).toEqual({ said: 'up\ndone by SIGINT\n', status: 3 });
  expect(await endInput(2)).toEqual({ said: 'up\ndone by SIGINT\n', status: 3 });
});

test('a server that hangs is ended where its starter has died', async () => {
  expect(await endInput(1_000_000)).toEqual({ said: 'up\ndone by SIGQUIT\n', status: 4 });
});
