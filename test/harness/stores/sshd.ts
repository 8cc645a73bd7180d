/** A real OpenSSH server of a test's own: its own port, keys and folder, SFTP and nothing else. Needs root, as sshd does. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageEnvironment } from '../../../src/storage/storage-options.ts';
import { freePort } from '../programs/free-port.ts';
import { waitForPort } from './ports.ts';
import { keeper } from './spawned-server.ts';

const program = '/usr/sbin/sshd';

export interface Sshd {
  readonly port: number;
  /** Holds everything of this server. */
  readonly folder: string;
  /** Where a user is put: what a relative path is relative to. */
  readonly data: string;
  /** A home with the key that opens and the server's key in known_hosts. */
  readonly home: string;
  /** For a driver: `home`, and nothing of this machine. */
  readonly environment: StorageEnvironment;
  /** The line of known_hosts for a key of this server. */
  knownHostLine(keyFile?: string): string;
  /** What a stock ssh needs to log in here: for restic's sftp.command. */
  readonly sshArguments: readonly string[];
  /** Kills the server and every connection, at once. */
  kill(): Promise<void>;
  /** Stops and continues everything without breaking connections. */
  freeze(frozen: boolean): void;
  /** Starts it again after `kill`, on the same port. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface SshdOptions {
  /** Added to its configuration. */
  readonly lines?: readonly string[];
  readonly data?: string;
  /** It leads to other servers. */
  readonly allowsForwarding?: boolean;
}

/** Starts a server. Throws where the machine has none. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-sshd-'));
  chmodSync(folder, 0o755);
  const home = join(folder, 'home');
  const data = options.data ?? join(folder, 'data');
  for (const path of [data, join(home, '.ssh'), '/run/sshd']) mkdirSync(path, { recursive: true });
  const key = join(home, '.ssh', 'id_ed25519');
  makeKey(join(folder, 'host_key'));
  makeKey(key);
  writeFileSync(join(folder, 'authorized_keys'), readFileSync(`${key}.pub`));
  const port = await freePort();
  const configuration = join(folder, 'sshd_config');
  writeFileSync(
    configuration,
    [...settings(folder, data, { port, allowsForwarding: options.allowsForwarding === true }), ...(options.lines ?? []), ''].join('\n'),
  );
  const knownHostLine = (keyFile = join(folder, 'host_key')): string => {
    const [type = '', base64 = ''] = readFileSync(`${keyFile}.pub`, 'utf8').split(' ');
    return `[127.0.0.1]:${port} ${type} ${base64.trim()}`;
  };
  const knownHosts = join(home, '.ssh', 'known_hosts');
  writeFileSync(knownHosts, `${knownHostLine()}\n`);
  let server: ChildProcess | undefined;
  const signal = (name: NodeJS.Signals): void => {
    if (server?.pid !== undefined) for (const pid of familyOf(server.pid)) signalProcess(pid, name);
  };
  const sshd: Sshd = {
    port,
    folder,
    data,
    home,
    environment: { HOME: home },
    knownHostLine,
    sshArguments: ['-F', 'none', '-p', String(port), '-i', key, '-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'BatchMode=yes'],
    async start() {
      const log: Buffer[] = [];
      const started = spawn('bash', ['-c', keeper, 'keeper', program, '-D', '-e', '-f', configuration], {
        stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      });
      server = started;
      started.stderr?.on('data', (piece: Buffer) => log.push(piece));
      await waitForPort(port, started, () => `${program}: ${Buffer.concat(log).toString().slice(-2000)}`);
    },
    async kill() {
      if (server === undefined) return;
      const gone = server.exitCode === null && server.signalCode === null ? once(server, 'exit') : undefined;
      signal('SIGKILL');
      await gone;
      server = undefined;
    },
    freeze: (frozen) => signal(frozen ? 'SIGSTOP' : 'SIGCONT'),
    async stop() {
      await sshd.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await sshd.start();
  return sshd;
}

/** Makes a key pair without a passphrase, or with one. */
export function makeKey(path: string, options: { readonly type?: 'ed25519' | 'rsa' | 'ecdsa'; readonly passphrase?: string } = {}): void {
  execFileSync('ssh-keygen', ['-q', '-t', options.type ?? 'ed25519', '-N', options.passphrase ?? '', '-C', 'test', '-f', path]);
}

/** A process and all below it: each connection has processes, and a session, of its own. */
function familyOf(pid: number): number[] {
  const parents = readdirSync('/proc').flatMap((name) => {
    try {
      const [, parent = ''] = /^\d+ \(.*\) \S (\d+) /s.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
      return parent === '' ? [] : [[Number(name), Number(parent)] as const];
    } catch {
      return []; // no process, or none any more
    }
  });
  const family = [pid];
  for (const member of family) family.push(...parents.filter(([, parent]) => parent === member).map(([child]) => child));
  return family;
}

function signalProcess(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

function settings(folder: string, data: string, { port, allowsForwarding }: { port: number; allowsForwarding: boolean }): string[] {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host_key')}`,
    `PidFile ${join(folder, 'sshd.pid')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    `AllowTcpForwarding ${allowsForwarding ? 'yes' : 'no'}`,
    'X11Forwarding no',
    'PermitTTY no',
    'MaxStartups 100',
    'UseDNS no',
    'Subsystem sftp internal-sftp',
    `ForceCommand internal-sftp -d ${data}`,
  ];
}
