import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2, { type CipherAlgorithm, type Client, type ServerHostKeyAlgorithm, type SFTPWrapper } from 'ssh2';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { fingerprintOf, KnownHosts, knownHostLine, knownHostName, keyTypeOf } from './known-hosts.ts';
import { readLoginMethods, type LoginMethods } from './login-methods.ts';
import { SftpConnection } from './sftp-connection.ts';
import { readIfThere, type SftpSettings, type SshServer } from './sftp-settings.ts';

/** Milliseconds. */
export interface SftpLimits {
  /** Until the network answers. */
  readonly connect: number;
  /** Until keys are exchanged and the user is in. */
  readonly login: number;
  /** Without an answer to any request that waits. */
  readonly silence: number;
}

export const defaultLimits: SftpLimits = { connect: 10_000, login: 30_000, silence: 60_000 };

const keepAlive = { keepaliveInterval: 15_000, keepaliveCountMax: 3 };
/* What processors do fast comes first. */
const ciphers: CipherAlgorithm[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'chacha20-poly1305@openssh.com',
  'aes128-ctr',
  'aes256-ctr',
];
/* `ssh-rsa` is not among them: its signatures are SHA-1. */
const hostKeys: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/**
 * Connects, through other servers where the settings say so, compares each server's key with known_hosts, logs in, and starts SFTP.
 * @throws `storage-setup` for what no retry mends (unknown or changed host key, nobody lets in); `storage-failed` for the rest
 */
export async function connectSftp(settings: SftpSettings, limits: SftpLimits): Promise<SftpConnection> {
  const { location } = settings;
  try {
    const client = await connectClient(settings, limits);
    try {
      return new SftpConnection(client, await startSftp(client, limits.login), limits.silence);
    } catch (error) {
      abandon(client);
      throw error;
    }
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError('storage-failed', { action: 'open', key: 'a connection', location, reason: reasonOf(error) }, error);
  }
}

/** Somebody is logged in there. The connections it leads through end with it. */
async function connectClient(server: SshServer, limits: SftpLimits): Promise<Client> {
  const login = readLoginMethods(server);
  const known = new KnownHosts(server.knownHostsFiles.flatMap((file) => readIfThere(file, server.location) ?? []));
  const client = new ssh2.Client();
  try {
    const socket = server.via === undefined ? await openSocket(server, limits.connect) : await openThrough(server.via, server, limits);
    await logIn(client, socket, { server, known, login, limits });
    return client;
  } catch (error) {
    abandon(client);
    throw error;
  }
}

function abandon(client: Client): void {
  client.on('error', () => {});
  client.destroy();
}

/** A connection from another server on; what it leads through is closed with it. */
async function openThrough(via: SshServer, { host, port }: SshServer, limits: SftpLimits): Promise<Duplex> {
  const jump = await connectClient(via, limits);
  // It ends what leads through it, and that is told there.
  jump.on('error', () => {});
  try {
    const channel = await withinLimit<Duplex>(limits.connect, 'no answer', (settle) => jump.forwardOut('127.0.0.1', 0, host, port, settle));
    channel.once('close', () => abandon(jump));
    return channel;
  } catch (error) {
    abandon(jump);
    throw new Error(`${via.host}:${via.port} does not lead to ${host}:${port}: ${reasonOf(error)}`, { cause: error });
  }
}

/** What a callback brings, or fails with `late` after so many milliseconds. */
function withinLimit<Value>(
  limit: number,
  late: string,
  start: (settle: (error: Error | undefined, value: Value) => void) => void,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const giveUp = setTimeout(() => reject(new Error(`${late} within ${limit / 1000} s`)), limit);
    start((error, value) => {
      clearTimeout(giveUp);
      if (error === undefined) resolve(value);
      else reject(error);
    });
  });
}

function openSocket({ host, port }: SshServer, limit: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // Without this each answer waits for the one before it to be acknowledged: a tenth of the speed.
    const socket = connect({ host, port, noDelay: true });
    const giveUp = setTimeout(() => socket.destroy(new Error(`${host}:${port} did not answer within ${limit / 1000} s`)), limit);
    socket.once('error', (error) => {
      clearTimeout(giveUp);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(giveUp);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

interface Login {
  readonly server: SshServer;
  readonly known: KnownHosts;
  readonly login: LoginMethods;
  readonly limits: SftpLimits;
}

function logIn(client: Client, socket: Duplex, { server, known, login, limits }: Login): Promise<void> {
  const { host, port, user } = server;
  let refusal: HoldfastError | undefined;
  return new Promise((resolve, reject) => {
    const fail = (error: Error & { readonly level?: string }): void => {
      if (refusal !== undefined) reject(refusal);
      else if (error.level === 'client-authentication') reject(notLetIn(server, login));
      else reject(error);
    };
    // An agent that fails is no failure yet: the next way is tried.
    client.on('error', (error) => error.level !== 'agent' && fail(error));
    client.once('close', () => fail(new Error('the server closed the connection before anybody was logged in')));
    client.once('ready', () => {
      client.removeAllListeners('error').removeAllListeners('close');
      resolve();
    });
    const attempts = [...login.methods];
    client.connect({
      sock: socket,
      host,
      port,
      username: user,
      readyTimeout: limits.login,
      ...keepAlive,
      authHandler: () => attempts.shift() ?? false,
      hostVerifier: (key: Buffer) => {
        refusal = judgeHostKey(known, server, key);
        return refusal === undefined;
      },
      algorithms: { cipher: ciphers, serverHostKey: preferKnown(known.typesOf(host, port)) },
    });
  });
}

/** The types known of a host first: a server asked for another type would show a key that nobody has seen. */
function preferKnown(types: readonly string[]): ServerHostKeyAlgorithm[] {
  const isKnown = (algorithm: string): boolean => types.includes(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm);
  return [...hostKeys.filter(isKnown), ...hostKeys.filter((algorithm) => !isKnown(algorithm))];
}

function judgeHostKey(known: KnownHosts, { host, port, location, knownHostsFiles }: SshServer, key: Buffer): HoldfastError | undefined {
  const verdict = known.judge(host, port, key);
  const [file = 'known_hosts'] = knownHostsFiles;
  const shown = `${keyTypeOf(key)} ${fingerprintOf(key)}`;
  switch (verdict) {
    case 'known':
      return undefined;
    case 'unknown':
      return new HoldfastError('storage-setup', {
        location,
        reason: `nothing is known of the key that ${knownHostName(host, port)} shows, ${shown}`,
        help: `Compare that with what the server's owner says (ssh-keygen -lf /etc/ssh/ssh_host_*.pub); if it is the same, add this line to ${file}: ${knownHostLine(host, port, key)}`,
      });
    case 'changed':
      return new HoldfastError('storage-setup', {
        location,
        reason: `THE KEY OF ${knownHostName(host, port)} HAS CHANGED: it shows ${shown}, and ${file} has another. Somebody may stand between, or the server was set up anew`,
        help: `Ask the server's owner. Only if the new key is right: ssh-keygen -R "${knownHostName(host, port)}" -f ${file}, then connect again`,
      });
    case 'revoked':
      return new HoldfastError('storage-setup', {
        location,
        reason: `THE KEY OF ${knownHostName(host, port)}, ${shown}, IS MARKED AS REVOKED: whoever shows it is not to be trusted`,
        help: `Ask the server's owner for its new key, and add that to ${file}`,
      });
    default:
      return verdict satisfies never;
  }
}

function notLetIn({ host, user, location, isJump }: SshServer, { described }: LoginMethods): HoldfastError {
  return new HoldfastError('storage-setup', {
    location,
    reason: `${isJump ? `${host}, on the way there,` : 'the server'} does not let "${user}" in with ${described.join(', ')}`,
    help: `Check the user, and that the public key stands in ~/.ssh/authorized_keys there`,
  });
}

async function startSftp(client: Client, limit: number): Promise<SFTPWrapper> {
  const broken = Promise.withResolvers<never>();
  client.once('error', broken.reject);
  client.once('close', () => broken.reject(new Error('the server closed the connection')));
  const sftp = withinLimit<SFTPWrapper>(limit, 'the server did not start SFTP', (settle) => client.sftp(settle));
  const started = await Promise.race([sftp, broken.promise]);
  client.removeAllListeners('error').removeAllListeners('close');
  return started;
}
