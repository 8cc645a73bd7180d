import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { freePort } from '../programs/free-port.ts';
import { openStoreProcesses } from './ceph-processes.ts';

const module = JSON.stringify(new URL('./ceph-processes.ts', import.meta.url).href);

/* Starts a server, tells its folder and pid, and waits for its end. */
const program = `
const { openStoreProcesses } = await import(${module});
const processes = await openStoreProcesses('orphan');
processes.start('server', ['sh', '-c', 'echo $$ >pid; exec sleep 1000']);
const { readFile } = await import('node:fs/promises');
let pid = '';
while (!pid.endsWith('\\n')) pid = await readFile(processes.folder + '/pid', 'utf8').catch(() => '');
process.stdout.write(processes.folder + ' ' + pid);
setInterval(() => {}, 1000);
`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it('servers and their folder go when the process that started them is killed', async () => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = '';
  child.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
  while (!told.endsWith('\n')) await sleep(20);
  const [folder = '', pid = ''] = told.trim().split(' ');
  expect(isAlive(Number(pid))).toBe(true);
  expect(existsSync(folder)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (let attempt = 0; attempt < 500 && (isAlive(Number(pid)) || existsSync(folder)); attempt += 1) await sleep(50);
  expect(isAlive(Number(pid))).toBe(false);
  expect(existsSync(folder)).toBe(false);
});

it('says what a server said that did not stay, and which program is not there', async () => {
  const processes = await openStoreProcesses('broken');
  try {
    await expect(processes.run(['no-such-program'])).rejects.toThrow(/not installed.*prepare-system/);
    await expect(processes.run(['sh', '-c', 'echo wrong >&2; exit 3'])).rejects.toThrow(/wrong/);
    processes.start('server', ['sh', '-c', 'echo no disk; exit 1']);
    await expect(processes.untilUp(await freePort())).rejects.toThrow(/server of broken did not stay: no disk/);
  } finally {
    await processes.stop();
  }
  expect(existsSync(processes.folder)).toBe(false);
});
