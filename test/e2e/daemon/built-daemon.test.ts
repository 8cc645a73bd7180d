/** The daemon as it is installed, at rest: what it takes of memory, and how often it wakes up. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { emitPackage } from '../../../scripts/build.ts';
import { projectRoot } from '../../../scripts/run-program.ts';
import { makeWorkplace, password } from '../../../src/cli/testing/run-holdfast.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const windowSeconds = 10;
const place = await makeWorkplace();

beforeAll(async () => {
  await mkdir(place.path('package'));
  await emitPackage(place.path('package', 'dist'));
  await cp(join(projectRoot, 'package.json'), place.path('package', 'package.json'));
  await symlink(join(projectRoot, 'node_modules'), place.path('package', 'node_modules'));
  await mkdir(place.path('uploads'));
  await writeFile(
    place.path('holdfast.yaml'),
    `application: shop
repositories: { local: ./repository }
components:
  uploads: { files: uploads, schedule: '0 0 1 1 *', objective: { rpo: 1d } }
`,
  );
});
afterAll(() => place.remove());

/** How often all its threads together have gone to sleep. */
async function readWakes(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const statuses = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/status`, 'utf8').catch(() => '')));
  return statuses.reduce((sum, text) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(text)?.[1] ?? 0), 0);
}

test('it takes less than 100 MB, and wakes up less than once a second', async () => {
  const words = ['serve', '-c', place.path('holdfast.yaml'), '--listen', '127.0.0.1:0', '--json'];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', place.path('package/dist/cli/main.js'), ...words], {
    cwd: place.folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: place.folder,
      HOLDFAST_PASSWORD: password,
      HOLDFAST_STATE: place.path('state'),
      XDG_CACHE_HOME: place.path('cache'),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const pid = child.pid ?? 0;
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    while (!said.includes('"listening"')) {
      expect(child.exitCode).toBeNull();
      await sleep(100);
    }
    const url = /"url":"([^"]+)"/.exec(said)?.[1] ?? '';
    for (let count = 0; count < 20; count += 1) expect((await fetch(new URL('/metrics', url))).status).toBe(200);
    // It looks how the application stands when it begins; then it rests.
    let wakes = Number.POSITIVE_INFINITY;
    for (let window = 0; window < 12 && wakes > windowSeconds; window += 1) {
      const before = await readWakes(pid);
      await sleep(windowSeconds * 1000);
      wakes = (await readWakes(pid)) - before;
    }
    expect(wakes).toBeLessThanOrEqual(windowSeconds);
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    // All of it: its own, and the pages of Node.js itself.
    expect((Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024) / 1e6).toBeLessThan(100);
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
  expect(child.exitCode).toBe(0);
});
