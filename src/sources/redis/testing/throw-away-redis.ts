/** A real redis-server in a temporary folder, for tests. */
import { freePort } from '../../../../test/harness/programs/free-port.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runSubprocess } from '../../../util/subprocess.ts';

export interface ThrowAwayRedis {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  /** Words of one command; the plain answer of redis-cli. */
  cli(...words: readonly string[]): Promise<string>;
  /** Ends it without saving. */
  kill(): Promise<void>;
  /** Starts it again in the same folder. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

export interface ThrowAwayOptions {
  readonly settings?: readonly string[];
  readonly folder?: string;
  /** What redis-cli is called with, beside the port. */
  readonly login?: readonly string[];
}

const environment = { PATH: process.env['PATH'] ?? '' };

export async function startThrowAwayRedis({ settings = [], folder, login = [] }: ThrowAwayOptions = {}): Promise<ThrowAwayRedis> {
  const home = folder ?? (await mkdtemp(join(tmpdir(), 'holdfast-redis-')));
  await chmod(home, 0o755);
  const port = await freePort();
  const cli = async (...words: readonly string[]): Promise<string> => {
    const end = await runSubprocess({ file: 'redis-cli', args: ['-p', String(port), ...login, ...words], env: environment });
    return end.stdout.toString('utf8').trim();
  };
  let child: ReturnType<typeof spawn> | undefined;
  const start = async (): Promise<void> => {
    const fixed = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      home,
      '--save',
      '',
      '--enable-debug-command',
      'yes',
      '--repl-diskless-sync-delay',
      '0',
    ];
    child = spawn('redis-server', [...fixed, ...settings], { stdio: 'ignore' });
    for (let tries = 0; tries < 200; tries += 1) {
      if (/PONG|NOAUTH/.test(await cli('PING'))) return;
      if (child.exitCode !== null) break;
      await sleep(50);
    }
    throw new Error(`redis-server did not start in ${home}`);
  };
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    folder: home,
    cli,
    kill,
    start,
    remove: async () => {
      await kill();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Keys of every type and encoding, in two databases, with expiry times far away, and a function. */
export async function fillWithEverything(redis: Pick<ThrowAwayRedis, 'cli'>, keys: number): Promise<void> {
  const script = `
    for i = 1, tonumber(ARGV[1]) do
      local kind, k = i % 10, 'key:' .. i
      if kind == 0 then redis.call('SET', k, 'value ' .. i)
      elseif kind == 1 then redis.call('SET', k, i)
      elseif kind == 2 then redis.call('RPUSH', k, 'a', i, string.rep('x', i % 90))
      elseif kind == 3 then redis.call('SADD', k, i, i + 1)
      elseif kind == 4 then redis.call('SADD', k, 'member ' .. i, 'other')
      elseif kind == 5 then redis.call('HSET', k, 'field', i, 'long', string.rep('y', i % 130))
      elseif kind == 6 then redis.call('ZADD', k, i, 'a', -i / 3, 'b')
      elseif kind == 7 then redis.call('SETBIT', k, i % 5000, 1)
      elseif kind == 8 then redis.call('PFADD', k, i, i + 1)
      else redis.call('XADD', k, i .. '-1', 'f', i) redis.call('XGROUP', 'CREATE', k, 'g', '0') end
      if i % 7 == 0 then redis.call('PEXPIREAT', k, 4102444800000 + i) end
    end
    for i = 1, 20000 do redis.call('RPUSH', 'long list', i) redis.call('ZADD', 'large set', i, 'm' .. i) redis.call('HSET', 'large hash', 'f' .. i, i) end
    redis.call('SET', 'bytes \\0\\255', '\\0\\1\\2\\255')
    redis.call('SELECT', 3)
    for i = 1, 100 do redis.call('SET', 'other:' .. i, i) end
    return 'filled'`;
  const answer = await redis.cli('EVAL', script, '0', String(keys));
  if (answer !== 'filled') throw new Error(answer);
  await redis.cli('FUNCTION', 'LOAD', "#!lua name=lib\nredis.register_function('f', function() return 1 end)");
}
