import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startBreakingProxy } from '../../../test/harness/docker/breaking-proxy.ts';
import { writeComposeFolder } from '../../../test/harness/docker/compose-folder.ts';
import { startDocker, type TestDocker } from '../../../test/harness/docker/docker.ts';
import { containing } from '../../../test/harness/programs/expected-text.ts';
import { captureToFiles } from '../../../test/harness/postgres/captured-files.ts';
import { systemClock } from '../../util/clock.ts';
import { connectDocker } from '../docker/connect-docker.ts';
import type { DockerEngine } from '../docker/docker-engine.ts';
import { createLogsSource, type LogsSourceOptions } from './logs-source.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

let docker: TestDocker;
let engine: DockerEngine;
let application: { readonly folder: string; readonly project: string };

beforeAll(async () => {
  docker = await startDocker();
  application = await writeComposeFolder({
    web: { command: 'echo begun; echo careful >&2; sleep infinity' },
    worker: { command: 'seq 1 200000; sleep 1' },
    quiet: {},
    twins: { command: 'echo twin; sleep infinity' },
  });
  await docker.compose(application.folder, ['up', '-d', '--scale', 'twins=2']);
  engine = await connectDocker({ environment: docker.environment, project: application.project });
  await docker.docker(['wait', `${application.project}_worker_1`]);
});
afterAll(async () => {
  await docker?.stop();
  await rm(application.folder, { recursive: true, force: true });
});

async function capture(options: Partial<LogsSourceOptions>) {
  const captured = await captureToFiles(
    createLogsSource({ component: 'logs', docker: engine, services: 'all', days: 1, clock: systemClock, ...options }),
  );
  try {
    const files: Record<string, string> = {};
    for await (const { path } of captured.list()) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of captured.read(path)) chunks.push(chunk);
      files[path] = Buffer.concat(chunks).toString('utf8');
    }
    return { files, events: captured.events };
  } finally {
    await captured.remove();
  }
}

test('every service has its file, with the time of each line', async () => {
  const { files, events } = await capture({});
  const twin = (number: number): string => `/logs/twins/${application.project}_twins_${number}.log`;
  expect(Object.keys(files).toSorted()).toEqual(['/logs/quiet.log', twin(1), twin(2), '/logs/web.log', '/logs/worker.log']);
  const lines = files['/logs/web.log']?.trimEnd().split('\n') ?? [];
  expect(lines.filter((line) => !/^\d{4}-\d\d-\d\dT[\d:.]+Z /.test(line))).toEqual([]);
  // Docker takes in the two outputs side by side: which came first it does not know.
  expect(new Set(lines.map((line) => line.split(' ')[1]))).toEqual(new Set(['begun', 'careful']));
  expect(lines).toHaveLength(2);
  const numbers = files['/logs/worker.log']
    ?.trimEnd()
    .split('\n')
    .map((line) => line.split(' ')[1]);
  expect(numbers).toHaveLength(200_000);
  expect(numbers?.at(-1)).toBe('200000');
  expect(files['/logs/quiet.log']).toBe('');
  expect(events).toEqual([]);
});

test('lines from before the time are left out', async () => {
  const later = { now: () => new Date(systemClock.now().getTime() + 2 * 86_400_000) };
  const { files } = await capture({ clock: later, services: ['web'] });
  expect(files).toEqual({ '/logs/web.log': '' });
});

test('a service that is gone and a log that cannot be read are problems, and the rest is saved', async () => {
  const name = `${application.project}-silent`;
  const labels = {
    'com.docker.compose.project': application.project,
    'com.docker.compose.service': 'silent',
    'com.docker.compose.oneoff': 'False',
  };
  await docker.run({ name, labels, options: ['--log-driver', 'none'] });
  const { files, events } = await capture({ services: ['gone', 'silent', 'web'] });
  expect(Object.keys(files)).toEqual(['/logs/web.log']);
  expect(events).toEqual([
    { type: 'problem', path: '/logs/gone.log', reason: containing('Cannot find the service "gone"') },
    { type: 'problem', path: '/logs/silent.log', reason: containing('Cannot read the log') },
  ]);
});

test('a log that breaks off is a problem', async () => {
  const proxy = await startBreakingProxy(docker.socket);
  try {
    const through = await connectDocker({ environment: proxy.environment, project: application.project });
    proxy.cutAfter(1_000_000, 'close');
    const { files, events } = await capture({ docker: through, services: ['worker'] });
    expect(files['/logs/worker.log']).toMatch(/Z 1\n/);
    expect(events).toEqual([{ type: 'problem', path: '/logs/worker.log', reason: containing('the rest is missing') }]);
  } finally {
    await proxy.stop();
  }
});
