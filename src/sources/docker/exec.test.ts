import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startBreakingProxy } from '../../../test/harness/docker/breaking-proxy.ts';
import { startDocker, type TestDocker } from '../../../test/harness/docker/docker.ts';
import { containing } from '../../../test/harness/programs/expected-text.ts';
import { connectDocker } from './connect-docker.ts';
import type { Container, ContainerProcess, ExecRequest } from './docker-engine.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const forever = new AbortController().signal;
const name = `exec-${process.pid}`;
let docker: TestDocker;
let container: Container;

beforeAll(async () => {
  docker = await startDocker();
  await docker.run({ name, environment: { OWN: 'of the container' } });
  container = await open(name);
});
afterAll(() => docker?.stop());

async function open(container_: string, environment = docker.environment): Promise<Container> {
  return (await connectDocker({ environment })).find({ container: container_ });
}

async function run(request: Partial<ExecRequest> & { command: readonly string[] }, where = container) {
  const process_ = await where.exec({ signal: forever, ...request });
  const chunks: Uint8Array[] = [];
  for await (const chunk of process_.output) chunks.push(chunk);
  return { output: Buffer.concat(chunks).toString('utf8'), ...(await process_.ended) };
}

async function drain(process_: ContainerProcess): Promise<number> {
  let size = 0;
  for await (const chunk of process_.output) size += chunk.length;
  return size;
}

async function* bytes(count: number, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < count; sent += size) yield Buffer.alloc(Math.min(size, count - sent), `${sent} `);
}

async function runsInside(pattern: string): Promise<boolean> {
  const script = 'for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline 2>/dev/null; echo; done';
  return (await docker.docker(['exec', name, 'sh', '-c', script])).split('\n').some((line) => line.startsWith(pattern));
}

describe('what a command tells', () => {
  test('stdout, stderr and the exit status come apart', async () => {
    const result = await run({ command: ['sh', '-c', 'echo out; echo complaint >&2; echo more; exit 7'] });
    expect(result).toEqual({ output: 'out\nmore\n', stderr: 'complaint\n', status: 7 });
  });

  test('environment, user and the words of the command arrive as they are', async () => {
    const script = 'printf "%s|" "$(id -u):$(id -g)" "$OWN" "$SECRET" "$@"';
    const odd = ['a b', '"', "'", '$HOME', '', 'ü\n'];
    const result = await run({ command: ['sh', '-c', script, 'sh', ...odd], environment: { SECRET: 'a=b "c"\n' }, user: '33:34' });
    expect(result.output).toBe(['33:34', 'of the container', 'a=b "c"\n', ...odd, ''].join('|'));
  });

  test('large output comes whole, and only as fast as it is read', async () => {
    const size = 48 * 1024 * 1024;
    const script = `import sys\nblock = bytes(range(256)) * 256\nfor i in range(${size / 65_536}):\n  sys.stdout.buffer.write(block)\n  open('/tmp/written', 'w').write(str(i))`;
    const process_ = await container.exec({ command: ['python3', '-c', script], signal: forever });
    const iterator = process_.output[Symbol.asyncIterator]();
    const hash = createHash('sha256');
    const first = await iterator.next();
    await sleep(500);
    expect(Number(await docker.docker(['exec', name, 'cat', '/tmp/written']))).toBeLessThan(size / 65_536 / 2);
    for (let part = first; part.done !== true; part = await iterator.next()) hash.update(part.value);
    const expected = createHash('sha256');
    for (let block = 0; block < size / 65_536; block += 1)
      expected.update(Buffer.alloc(65_536, Buffer.from(Array.from({ length: 256 }, (_, at) => at))));
    expect(hash.digest('hex')).toBe(expected.digest('hex'));
    expect((await process_.ended).status).toBe(0);
  });

  test('of a long stderr the last 64 KiB are kept', async () => {
    const { stderr, output } = await run({ command: ['sh', '-c', 'seq 1 60000 >&2; echo done'] });
    expect(output).toBe('done\n');
    expect(stderr.length).toBe(65_536);
    expect(stderr.endsWith('59999\n60000\n')).toBe(true);
  });

  test('a program that is not there is an error', async () => {
    await expect(run({ command: ['no-such-program'] })).rejects.toMatchObject({
      code: 'docker-exec-failed',
      message: containing('no-such-program'),
    });
  });

  test('a command that is killed does not end well', async () => {
    const process_ = await container.exec({ command: ['sh', '-c', 'echo some; exec sleep 4711'], signal: forever });
    const iterator = process_.output[Symbol.asyncIterator]();
    await iterator.next();
    await docker.docker([
      'exec',
      name,
      'sh',
      '-c',
      'for p in /proc/[0-9]*; do if [ "$(tr "\\0" " " <$p/cmdline)" = "sleep 4711 " ]; then kill -9 ${p#/proc/}; fi; done',
    ]);
    expect((await iterator.next()).done).toBe(true);
    expect((await process_.ended).status).toBe(137);
  });
});

describe('stdin', () => {
  test('large input arrives whole, and its end too', async () => {
    const size = 24 * 1024 * 1024 + 5;
    const hash = createHash('sha256');
    for await (const chunk of bytes(size)) hash.update(chunk);
    const { output, status } = await run({ command: ['sha256sum'], input: bytes(size) });
    expect([output, status]).toEqual([`${hash.digest('hex')}  -\n`, 0]);
  });

  test('a command that stops reading is judged by its exit status', async () => {
    expect(await run({ command: ['sh', '-c', 'head -c 5; echo no more >&2; exit 3'], input: bytes(32 * 1024 * 1024) })).toEqual({
      output: '0 0 0',
      stderr: 'no more\n',
      status: 3,
    });
    expect(await run({ command: ['head', '-c', '5'], input: bytes(32 * 1024 * 1024) })).toMatchObject({ output: '0 0 0', status: 0 });
  });

  test('an input that fails is not taken for one that ended', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half\n');
      await sleep(200);
      throw new Error('the disk is gone');
    }
    const command = ['sh', '-c', 'rm -f /tmp/whole; cat >/tmp/got; echo whole >/tmp/whole'];
    await expect(run({ command, input: failing() })).rejects.toThrow('the disk is gone');
    expect((await run({ command: ['sh', '-c', 'cat /tmp/got; ls /tmp/whole'] })).output).toBe('half\n');
  });

  test('an interactive command answers line by line', async () => {
    const process_ = await container.exec({
      command: ['sh', '-c', 'while read line; do echo "got $line"; done; echo end'],
      interactive: true,
      signal: forever,
    });
    const iterator = process_.output[Symbol.asyncIterator]();
    for (const word of ['one', 'two']) {
      await process_.write(Buffer.from(`${word}\n`));
      expect(Buffer.from((await iterator.next()).value ?? '').toString('utf8')).toBe(`got ${word}\n`);
    }
    process_.endInput();
    expect(Buffer.from((await iterator.next()).value ?? '').toString('utf8')).toBe('end\n');
    expect((await iterator.next()).done).toBe(true);
    expect((await process_.ended).status).toBe(0);
  });
});

describe('ending early', () => {
  test('an abort ends the command and all it started', async () => {
    const controller = new AbortController();
    const process_ = await container.exec({ command: ['sh', '-c', 'sleep 4712 & sleep 4712'], signal: controller.signal });
    const reading = drain(process_);
    await vi.waitFor(async () => expect(await runsInside('sleep 4712')).toBe(true), 10_000);
    controller.abort();
    await expect(reading).rejects.toMatchObject({ code: 'interrupted' });
    await expect(process_.ended).rejects.toMatchObject({ code: 'interrupted' });
    expect(await runsInside('sleep 4712')).toBe(false);
  });

  test('who leaves the output ends the command', async () => {
    const process_ = await container.exec({ command: ['sh', '-c', 'yes 4713'], signal: forever });
    for await (const chunk of process_.output) if (chunk.length > 0) break;
    expect(await runsInside('yes 4713')).toBe(false);
    await expect(process_.ended).rejects.toMatchObject({ code: 'docker-exec-failed' });
  });

  test('kill works on a command that ignores SIGTERM, and where nobody reads', async () => {
    const process_ = await container.exec({ command: ['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done # 4714'], signal: forever });
    await process_.kill();
    await expect(process_.ended).rejects.toMatchObject({ code: 'docker-exec-failed' });
    expect(await runsInside('sh -c trap')).toBe(false);
  });
});

describe('what breaks meanwhile', () => {
  async function startOther(suffix: string): Promise<Container> {
    await docker.run({ name: `${name}-${suffix}` });
    return open(`${name}-${suffix}`);
  }
  const endless = { command: ['sh', '-c', 'while :; do echo line; sleep 0.05; done'], signal: forever };

  test('a container that stops is an error, also where the command itself would end well', async () => {
    const other = await startOther('stops');
    const trapping = await other.exec({
      command: ['sh', '-c', 'trap "exit 3" TERM; while :; do echo line; sleep 0.05; done'],
      signal: forever,
    });
    const iterator = trapping.output[Symbol.asyncIterator]();
    await iterator.next();
    const reading = (async () => {
      while ((await iterator.next()).done !== true);
    })();
    reading.catch(() => {});
    await docker.docker(['stop', '-t', '0', other.id]);
    await expect(reading).rejects.toMatchObject({ code: 'docker-exec-failed' });
    await expect(trapping.ended).rejects.toMatchObject({ code: 'docker-exec-failed' });
    await expect(other.exec(endless)).rejects.toMatchObject({ code: 'docker-container-stopped' });
  });

  test('a container that is removed is an error', async () => {
    const other = await startOther('removed');
    const process_ = await other.exec(endless);
    const reading = drain(process_);
    reading.catch(() => {});
    await docker.docker(['rm', '-f', other.id]);
    await expect(reading).rejects.toMatchObject({ code: 'docker-exec-failed' });
    await expect(other.exec(endless)).rejects.toMatchObject({ code: 'docker-container-missing' });
  });

  test.each(['close', 'reset'] as const)(
    'a connection that ends (%s) in the middle is an error, and the command does not run on',
    async (how) => {
      const proxy = await startBreakingProxy(docker.socket);
      try {
        const through = await open(name, { ...docker.environment, ...proxy.environment });
        proxy.cutAfter(100_000, how);
        const process_ = await through.exec({ command: ['sh', '-c', `yes ${how}; sleep 4715`], signal: forever });
        await expect(drain(process_)).rejects.toMatchObject({ code: 'docker-exec-failed' });
        await expect(process_.ended).rejects.toMatchObject({ code: 'docker-exec-failed' });
      } finally {
        await proxy.stop();
      }
      await vi.waitFor(async () => expect(await runsInside(`yes ${how}`)).toBe(false), 15_000);
    },
  );

  test('a connection that ends between two frames does not pass for the end of the command', async () => {
    const proxy = await startBreakingProxy(docker.socket);
    try {
      const through = await open(name, { ...docker.environment, ...proxy.environment });
      const process_ = await through.exec({ command: ['sh', '-c', 'echo some; sleep 4716'], signal: forever });
      const iterator = process_.output[Symbol.asyncIterator]();
      await iterator.next();
      proxy.closeStreams();
      await expect(iterator.next()).rejects.toMatchObject({ code: 'docker-exec-failed', message: containing('ran on') });
      expect(await runsInside('sleep 4716')).toBe(false);
    } finally {
      await proxy.stop();
    }
  });

  test('an engine that is gone is an error', async () => {
    const proxy = await startBreakingProxy(docker.socket);
    const through = await open(name, { ...docker.environment, ...proxy.environment });
    const process_ = await through.exec({ command: ['sh', '-c', 'echo some; exec sleep 5'], signal: forever });
    const iterator = process_.output[Symbol.asyncIterator]();
    await iterator.next();
    await proxy.stop();
    await expect(iterator.next()).rejects.toMatchObject({ code: 'docker-exec-failed' });
  });
});
