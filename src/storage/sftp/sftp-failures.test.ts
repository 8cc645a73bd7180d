/** What goes wrong between here and a real OpenSSH server, and what is said of it. */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SmallDisk } from '../../../test/harness/disks/small-disk.ts';
import { makeKey, startSshd, type Sshd } from '../../../test/harness/stores/sshd.ts';
import type { HoldfastError } from '../../errors.ts';
import type { SftpAddress } from '../storage-address.ts';
import type { StorageEnvironment } from '../storage-options.ts';
import type { Storage } from '../storage.ts';
import { createRetryStorage } from '../wrap/retry-storage.ts';
import { defaultLimits } from './connect-sftp.ts';
import { createSftpStorage, type SftpInternals } from './sftp-storage.ts';

let server: Sshd;
const opened: Storage[] = [];
beforeAll(async () => {
  server = await startSshd();
});
afterAll(async () => {
  await Promise.all(opened.map((storage) => storage.close()));
  await server.stop();
});

interface Choice {
  readonly address?: Partial<SftpAddress>;
  readonly environment?: StorageEnvironment;
  readonly at?: Sshd;
  readonly internals?: SftpInternals;
}

async function open({ address = {}, environment = {}, at = server, internals = {} }: Choice = {}): Promise<Storage> {
  const whole: SftpAddress = {
    scheme: 'sftp',
    host: '127.0.0.1',
    port: at.port,
    user: 'root',
    path: join(at.data, randomUUID()),
    parameters: {},
    ...address,
  };
  const storage = await createSftpStorage(whole, { environment: { ...at.environment, ...environment } }, internals);
  opened.push(storage);
  return storage;
}

/** A home of its own, with what is given in `.ssh`. */
function makeHome(files: Readonly<Record<string, string>> = {}): string {
  const home = join(server.folder, randomUUID());
  mkdirSync(join(home, '.ssh'), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(home, '.ssh', name), content, { mode: 0o600 });
  return home;
}

function keyText(): string {
  return readFileSync(join(server.home, '.ssh', 'id_ed25519'), 'utf8');
}

async function failureOf(call: Promise<unknown>): Promise<HoldfastError> {
  try {
    await call;
  } catch (error) {
    return error as HoldfastError;
  }
  throw new Error('it succeeded');
}

const content = new TextEncoder().encode('content');

describe('who may log in', () => {
  test('a key that the server does not know', async () => {
    const home = makeHome({ known_hosts: `${server.knownHostLine()}\n` });
    makeKey(join(home, '.ssh', 'id_ed25519'));
    const failure = await failureOf((await open({ environment: { HOME: home } })).create());
    expect(failure.code).toBe('storage-setup');
    expect(failure.message).toContain('does not let "root" in');
    expect(failure.message).toContain('id_ed25519');
  });

  test('nothing to log in with', async () => {
    const home = makeHome({ known_hosts: `${server.knownHostLine()}\n` });
    const failure = await failureOf((await open({ environment: { HOME: home } })).create());
    expect(failure.message).toContain('nothing to log in with');
  });

  test('a key with a passphrase, with it, without it, with another', async () => {
    const home = makeHome({ known_hosts: `${server.knownHostLine()}\n` });
    const key = join(home, '.ssh', 'locked');
    makeKey(key, { passphrase: 'correct horse' });
    writeFileSync(join(server.folder, 'authorized_keys'), readFileSync(`${key}.pub`), { flag: 'a' });
    const parameters = { identity: key };
    const passphraseFile = join(home, 'passphrase');
    writeFileSync(passphraseFile, 'correct horse\n');
    await (await open({ address: { parameters }, environment: { HOME: home, HOLDFAST_SSH_PASSPHRASE_FILE: passphraseFile } })).create();
    for (const environment of [{ HOME: home }, { HOME: home, HOLDFAST_SSH_PASSPHRASE: 'wrong horse' }]) {
      const failure = await failureOf((await open({ address: { parameters }, environment })).create());
      expect([failure.code, failure.message]).toEqual(['storage-setup', expect.stringContaining('does not open with the passphrase')]);
      expect(`${failure.message}${failure.hint}`).not.toContain('wrong horse');
    }
  });

  test('the keys of an agent', async () => {
    const home = makeHome({ known_hosts: `${server.knownHostLine()}\n` });
    const socket = join(home, 'agent');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      await once(agent.stdout, 'data');
      execFileSync('ssh-add', ['-q', join(server.home, '.ssh', 'id_ed25519')], {
        env: { PATH: process.env['PATH'], SSH_AUTH_SOCK: socket },
        stdio: 'ignore',
      });
      await (await open({ environment: { HOME: home, SSH_AUTH_SOCK: socket } })).create();
    } finally {
      agent.kill();
    }
  });

  test('an agent that is gone hinders nothing', async () => {
    await (await open({ environment: { SSH_AUTH_SOCK: '/nowhere/agent' } })).create();
  });

  test('what ~/.ssh/config says of a name', async () => {
    const home = makeHome({
      known_hosts: `${server.knownHostLine()}\n`,
      the_key: keyText(),
      config: `Host other\n  HostName 192.0.2.1\n\nHost vault*\n  HostName 127.0.0.1\n  Port ${server.port}\n  User root\n  IdentityFile ~/.ssh/the_key\n`,
    });
    const storage = await createSftpStorage(
      { scheme: 'sftp', host: 'vault1', path: join(server.data, 'by-name'), parameters: {} },
      { environment: { HOME: home } },
    );
    opened.push(storage);
    await storage.create();
    expect(storage.location).toBe(`sftp://vault1/${join(server.data, 'by-name')}`);
  });

  test('parameters that are not known', async () => {
    expect((await failureOf(open({ address: { parameters: { idenity: 'x' } } }))).code).toBe('storage-url');
  });
});

describe('a way through other servers', () => {
  let gate: Sshd;
  let fort: Sshd;
  beforeAll(async () => {
    [gate, fort] = await Promise.all([startSshd({ allowsForwarding: true }), startSshd({ allowsForwarding: true })]);
  });
  afterAll(async () => {
    await Promise.all([gate.stop(), fort.stop()]);
  });

  /** Each server with the key that its own home has. */
  const blocks = (jump: string): string =>
    [
      `Host gate\n  HostName 127.0.0.1\n  Port ${gate.port}\n  User root\n  IdentityFile ${join(gate.home, '.ssh', 'id_ed25519')}`,
      `Host fort\n  HostName 127.0.0.1\n  IdentityFile ${join(fort.home, '.ssh', 'id_ed25519')}`,
      `Host inner\n  HostName 127.0.0.1\n  Port ${server.port}\n  User root\n  IdentityFile ~/.ssh/the_key\n  ${jump}`,
    ].join('\n');
  const known = (...servers: readonly Sshd[]): string => servers.map((each) => `${each.knownHostLine()}\n`).join('');
  const reach = async (home: string, environment: StorageEnvironment = {}): Promise<Storage> => {
    const address: SftpAddress = { scheme: 'sftp', host: 'inner', path: join(server.data, randomUUID()), parameters: {} };
    const storage = await createSftpStorage(address, { environment: { HOME: home, ...environment } });
    opened.push(storage);
    return storage;
  };

  test('over one, and over two, where each knows the next only by its own name', async () => {
    for (const jump of ['ProxyJump gate', `ProxyJump root@fort:${fort.port},gate`]) {
      const home = makeHome({ known_hosts: known(server, gate, fort), the_key: keyText(), config: blocks(jump) });
      const storage = await reach(home);
      await storage.create();
      await storage.put('keys/one', content);
      expect(Buffer.from(await storage.get('keys/one')).toString()).toBe('content');
      await storage.close();
    }
  });

  test('what goes wrong on the way is told of the server where it does', async () => {
    const unknown = makeHome({ known_hosts: known(server), the_key: keyText(), config: blocks('ProxyJump gate') });
    const shown = await failureOf((await reach(unknown)).create());
    expect([shown.code, shown.message]).toEqual(['storage-setup', expect.stringContaining(`[127.0.0.1]:${gate.port}`)]);
    const refusing = await startSshd();
    try {
      const config = `${blocks(`ProxyJump root@127.0.0.1:${refusing.port}`)}\nHost *\n  IdentityFile ${join(refusing.home, '.ssh', 'id_ed25519')}\n`;
      const home = makeHome({ known_hosts: known(server, refusing), the_key: keyText(), config });
      const refused = await failureOf((await reach(home)).create());
      expect(refused.message).toContain(`127.0.0.1:${refusing.port} does not lead to 127.0.0.1:${server.port}`);
    } finally {
      await refusing.stop();
    }
  });

  test('the password of the repository is for none of them', async () => {
    const config = `Host inner\n  HostName 127.0.0.1\n  Port ${server.port}\n  User root\n  ProxyJump root@127.0.0.1:${gate.port}\n`;
    const home = makeHome({ known_hosts: known(server, gate), config });
    const failure = await failureOf((await reach(home, { HOLDFAST_SFTP_PASSWORD: 'secret' })).create());
    expect([failure.code, failure.message]).toEqual(['storage-setup', expect.stringContaining('nothing to log in with')]);
  });

  test('ways without an end, ways that are none, and programs are refused', async () => {
    for (const [config, reason] of [
      ['Host *\n  ProxyJump gate\n', 'more than 8 hosts'],
      ['Host *\n  ProxyJump a@b@c\n', 'names no host'],
      ['Host *\n  ProxyCommand nc %h %p\n', 'ProxyCommand'],
    ] as const) {
      const failure = await failureOf(open({ environment: { HOME: makeHome({ config }) } }));
      expect([failure.code, failure.message]).toEqual(['storage-setup', expect.stringContaining(reason)]);
    }
  });
});

describe('whether it is the right server', () => {
  test('of an unknown one the very line to add is shown', async () => {
    const home = makeHome({ id_ed25519: keyText() });
    const environment = { HOME: home };
    const failure = await failureOf((await open({ environment })).create());
    expect(failure.code).toBe('storage-setup');
    const shown = execFileSync('ssh-keygen', ['-lf', join(server.folder, 'host_key.pub')], { encoding: 'utf8' }).split(' ')[1] ?? 'none';
    expect(failure.message).toContain(shown);
    const [line] = /\[127\.0\.0\.1\]:\d+ ssh-ed25519 [A-Za-z0-9+/=]+/.exec(failure.hint) ?? [];
    expect(line).toBe(server.knownHostLine());
    writeFileSync(join(home, '.ssh', 'known_hosts'), `${line}\n`);
    await (await open({ environment })).create();
  });

  test('one whose key has changed is refused loudly, and nothing is sent', async () => {
    makeKey(join(server.folder, 'another'));
    const home = makeHome({ id_ed25519: keyText(), known_hosts: `${server.knownHostLine(join(server.folder, 'another'))}\n` });
    const failure = await failureOf((await open({ environment: { HOME: home } })).create());
    expect([failure.code, failure.message]).toEqual(['storage-setup', expect.stringContaining('HAS CHANGED')]);
  });

  test('one whose key is revoked', async () => {
    const line = server.knownHostLine();
    const home = makeHome({ id_ed25519: keyText(), known_hosts: `${line}\n@revoked * ${line.split(' ').slice(1).join(' ')}\n` });
    const failure = await failureOf((await open({ environment: { HOME: home } })).create());
    expect([failure.code, failure.message]).toEqual(['storage-setup', expect.stringContaining('REVOKED')]);
  });

  test('hashed names are understood', async () => {
    const home = makeHome({ id_ed25519: keyText(), known_hosts: `${server.knownHostLine()}\n` });
    const file = join(home, '.ssh', 'known_hosts');
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    expect(readFileSync(file, 'utf8')).not.toContain('127.0.0.1');
    await (await open({ environment: { HOME: home } })).create();
  });

  test('of several keys the one is asked for that is known', async () => {
    const key = join(server.folder, 'host_rsa');
    makeKey(key, { type: 'rsa' });
    const both = await startSshd({ lines: [`HostKey ${key}`] });
    try {
      writeFileSync(join(both.home, '.ssh', 'known_hosts'), `${both.knownHostLine(key)}\n`);
      const storage = await open({ at: both });
      await storage.create();
      await storage.close();
    } finally {
      await both.stop();
    }
  });
});

describe('what the server cannot or may not do', () => {
  test('a folder that is not ours', async () => {
    const folder = join(server.data, 'closed');
    mkdirSync(folder);
    for (const path of [server.data, folder]) chmodSync(path, 0o755);
    const storage = await open({ address: { user: 'nobody', path: folder } });
    const failure = await failureOf(storage.put('config', content));
    expect([failure.code, failure.message]).toEqual(['storage-denied', expect.stringContaining('Cannot write config')]);
    writeFileSync(join(folder, 'secret'), 'x', { mode: 0o600 });
    expect((await failureOf(storage.get('secret'))).code).toBe('storage-denied');
    mkdirSync(join(folder, 'deep'), { mode: 0o700 });
    const listed = await failureOf(
      (async () => {
        for await (const info of storage.list('deep/')) throw new Error(info.key);
      })(),
    );
    expect(listed.code).toBe('storage-denied');
    expect((await failureOf(storage.remove('secret'))).code).toBe('storage-denied');
    const own = join(server.data, 'own');
    mkdirSync(own);
    chownSync(own, 65_534, 65_534);
    await (await open({ address: { user: 'nobody', path: own } })).put('data/ab/x', content);
    expect([statSync(join(own, 'data', 'ab')).mode & 0o777, statSync(join(own, 'data', 'ab', 'x')).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  test('a folder that is not there is not made by a put: its disk may not be mounted', async () => {
    const storage = await open();
    expect((await failureOf(storage.put('data/ab/x', content))).code).toBe('storage-failed');
    expect((await failureOf(storage.get('config'))).code).toBe('storage-missing');
  });

  test('a full disk', async () => {
    using disk = new SmallDisk(join(server.data, 'small'), 8);
    const storage = await open({ address: { path: disk.folder } });
    await storage.put('config', content);
    expect((await failureOf(storage.put('data/ab/large', randomBytes(12 * 1024 * 1024)))).code).toBe('storage-full');
    expect(readdirSync(join(disk.folder, 'data', 'ab'))).toEqual([]);
    await storage.put('data/ab/small', randomBytes(1024));
    await storage.close();
    opened.splice(opened.indexOf(storage), 1);
  });

  test('a repository where a file is', async () => {
    writeFileSync(join(server.data, 'file'), 'x');
    expect((await failureOf((await open({ address: { path: join(server.data, 'file') } })).create())).code).toBe('storage-failed');
  });
});

describe('breaks', () => {
  test('nothing listens', async () => {
    const failure = await failureOf((await open({ address: { port: 1 } })).stat('config'));
    expect(failure.code).toBe('storage-failed');
  });

  test('a server that is killed in the middle and comes back', async () => {
    const fragile = await startSshd();
    try {
      const bare = await open({ at: fragile });
      const failures: HoldfastError[] = [];
      const storage = createRetryStorage(bare, { firstDelay: 100, retries: 12, onRetry: (failure) => failures.push(failure) });
      await storage.create();
      const objects = Array.from({ length: 12 }, (_, index) => ({
        key: `data/${index % 3}0/object-${index}`,
        data: new Uint8Array(randomBytes(3 * 1024 * 1024)),
      }));
      const writing = Promise.all(objects.map(({ key, data }, index) => storage.put(key, data, { ifAbsent: index % 2 === 0 })));
      // Once the first has arrived the others are under way.
      while (!(await hasAny(join(fragile.data)))) await new Promise(setImmediate);
      await fragile.kill();
      await fragile.start();
      await writing;
      expect(failures.length).toBeGreaterThan(0);
      expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['storage-failed']));
      for (const { key, data } of objects) expect(Buffer.compare(await storage.get(key), data)).toBe(0);
      await storage.close();
    } finally {
      await fragile.stop();
    }
  });

  test('a server that answers no more fails in bounded time, and a signal ends a call at once', async () => {
    const frozen = await startSshd();
    try {
      const storage = await open({ at: frozen, internals: { limits: { ...defaultLimits, connect: 2000, login: 2000, silence: 1500 } } });
      await storage.create();
      await storage.put('config', content);
      frozen.freeze(true);
      const stop = new AbortController();
      const aborted = failureOf(storage.get('config', undefined, stop.signal));
      stop.abort();
      expect((await aborted).code).toBe('interrupted');
      const failure = await failureOf(storage.get('config'));
      expect([failure.code, failure.message]).toEqual(['storage-failed', expect.stringContaining('has not answered for')]);
      // Nor does it let anybody in.
      expect((await failureOf(storage.get('config'))).code).toBe('storage-failed');
      frozen.freeze(false);
      expect(await createRetryStorage(storage, { firstDelay: 50 }).get('config')).toEqual(content);
      await storage.close();
    } finally {
      await frozen.stop();
    }
  });

  test('what a dead run left is removed when it is a day old', async () => {
    const storage = await open();
    await storage.create();
    await storage.put('data/ab/object', content);
    const folder = join(
      server.data,
      readdirSync(server.data).find((name) => existsSync(join(server.data, name, 'data', 'ab', 'object'))) ?? '',
      'data',
      'ab',
    );
    const [young, old, foreign] = [`.holdfast-${randomUUID()}.tmp`, `.holdfast-${randomUUID()}.tmp`, '.somebody-else.tmp'].map((name) =>
      join(folder, name),
    );
    for (const path of [young, old, foreign]) writeFileSync(path ?? '', 'x');
    for (const path of [old, foreign]) utimesSync(path ?? '', 1_000_000, 1_000_000);
    const keys = [];
    for await (const { key } of storage.list('')) keys.push(key);
    expect(keys).toEqual(['data/ab/object']);
    await storage.close();
    expect([young, old, foreign].map((path) => existsSync(path ?? ''))).toEqual([true, false, true]);
  });
});

async function hasAny(folder: string): Promise<boolean> {
  return readdirSync(folder, { recursive: true }).some((name) => String(name).includes('object-'));
}
