import { readFileSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { readEnvironmentSecret } from '../environment-secret.ts';
import { failedWith } from '../file-error.ts';
import type { SftpAddress } from '../storage-address.ts';
import type { StorageEnvironment } from '../storage-options.ts';
import { readSshConfig } from './ssh-config.ts';

/** How to reach a server and who to be there. */
export interface SshServer {
  /** Of the repository, for messages. */
  readonly location: string;
  /** What is connected to. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Only somebody's way to another server: it never sees the password. */
  readonly isJump: boolean;
  /** The server through which this one is reached. */
  readonly via?: SshServer;
  readonly identities: readonly Identity[];
  /** Socket of an agent. */
  readonly agent?: string;
  readonly knownHostsFiles: readonly string[];
  readonly environment: StorageEnvironment;
}

/** What the address, `~/.ssh/config` and the environment say together. */
export interface SftpSettings extends SshServer {
  /** Folder of the repository on the server. */
  readonly root: string;
}

/** A file with a private key. */
export interface Identity {
  readonly path: string;
  /** Named by somebody, so that it must be there and open. */
  readonly isNamed: boolean;
}

const parameterNames = ['identity', 'known_hosts'];
const defaultIdentities = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
const mostHops = 8;
const largestFile = 16 * 1024 * 1024;

/**
 * Reads the settings of an address. Files are read, the network is not touched.
 * @throws `storage-url` for parameters that are not known, `storage-setup` for what cannot be used
 */
export function readSftpSettings(address: SftpAddress, environment: StorageEnvironment): SftpSettings {
  const { host: name, path, parameters } = address;
  const location = locationOf(address);
  for (const parameter of Object.keys(parameters)) {
    if (parameterNames.includes(parameter)) continue;
    throw new HoldfastError('storage-url', {
      url: location,
      reason: `"${parameter}" is no parameter of an SFTP address (identity and known_hosts are)`,
    });
  }
  const home = environment['HOME'] ?? homedir();
  const config = readIfThere(join(home, '.ssh', 'config'), location) ?? '';
  const server = readServer({ name, ...address }, { location, home, config, environment, parameters, hops: 0 });
  return { ...server, root: path };
}

interface ServerName {
  readonly name: string;
  readonly port?: number;
  readonly user?: string;
}

interface ServerReading {
  readonly location: string;
  readonly home: string;
  /** Text of `~/.ssh/config`. */
  readonly config: string;
  readonly environment: StorageEnvironment;
  /** Of the address: those of servers on the way stand in the configuration alone. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Servers behind this one. */
  readonly hops: number;
}

function readServer({ name, port, user }: ServerName, reading: ServerReading): SshServer {
  const { location, home, environment, parameters, hops } = reading;
  const config = readSshConfig(reading.config, name);
  if (config.proxyCommand !== undefined || hops > mostHops) {
    const reason =
      hops > mostHops
        ? `~/.ssh/config leads over more than ${mostHops} hosts to it`
        : `~/.ssh/config has a ProxyCommand for ${name}, and such connections are not made here`;
    const help = `Use ProxyJump, or open a tunnel (ssh -L) and use its end`;
    throw new HoldfastError('storage-setup', { location, reason, help });
  }
  const at = (file: string): string => expandPath(file, home);
  const named = parameters['identity'] === undefined ? config.identityFiles : [parameters['identity']];
  const identities = named.map((file) => ({ path: at(file), isNamed: parameters['identity'] !== undefined }));
  const others = defaultIdentities.map((file) => ({ path: join(home, '.ssh', file), isNamed: false }));
  const agent = environment['SSH_AUTH_SOCK'];
  const usesAgent = agent !== undefined && agent !== '' && parameters['identity'] === undefined && !config.identitiesOnly;
  const knownHosts = parameters['known_hosts'] === undefined ? config.knownHostsFiles : [parameters['known_hosts']];
  const via = readJumps(config.jumps, reading);
  return {
    location,
    host: config.hostName ?? name,
    port: port ?? config.port ?? 22,
    user: user ?? config.user ?? userInfo().username,
    isJump: hops > 0,
    ...(via === undefined ? {} : { via }),
    identities: identities.length > 0 ? identities : others,
    ...(usesAgent ? { agent } : {}),
    knownHostsFiles: knownHosts.length > 0 ? knownHosts.map(at) : [join(home, '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts'],
    environment,
  };
}

/** Each is reached through the one before it, and the first through those that its own block names. */
function readJumps(jumps: readonly string[], reading: ServerReading): SshServer | undefined {
  let way: SshServer | undefined;
  for (const [index, jump] of jumps.entries()) {
    const hop = readServer(parseJump(jump, reading.location), { ...reading, parameters: {}, hops: reading.hops + jumps.length - index });
    way = way === undefined ? hop : { ...hop, via: way };
  }
  return way;
}

/** `user@host:port`, `[::1]:port` or `ssh://…`. Throws `storage-setup`. */
function parseJump(text: string, location: string): ServerName {
  const [, user, bracketed, plain, port] = /^(?:ssh:\/\/)?(?:([^@]+)@)?(?:\[([^\]]+)\]|([^:[\]@]+))(?::(\d{1,5}))?\/?$/.exec(text) ?? [];
  const name = bracketed ?? plain;
  if (name === undefined)
    throw new HoldfastError('storage-setup', {
      location,
      reason: `~/.ssh/config has the ProxyJump "${text}", which names no host`,
      help: 'Write user@host:port there',
    });
  return { name, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port: Number(port) }) };
}

/** The text of a file, or undefined where there is none. Throws `storage-setup` where it is there and cannot be read. */
export function readIfThere(path: string, location: string): string | undefined {
  try {
    if (statSync(path).size > largestFile) throw new Error(`it is larger than ${largestFile} bytes`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw new HoldfastError(
      'storage-setup',
      { location, reason: `${path} cannot be read (${reasonOf(error)})`, help: 'Check its owner and mode' },
      error,
    );
  }
}

/** A password from the environment, the only way to give one. It is the repository's server's alone. */
export function readPassword({ environment, location, isJump }: SshServer): string | undefined {
  return isJump ? undefined : readEnvironmentSecret(environment, 'HOLDFAST_SFTP_PASSWORD', location);
}

function locationOf({ host, port, user, path }: SftpAddress): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `sftp://${user === undefined ? '' : `${encodeURIComponent(user)}@`}${name}${port === undefined ? '' : `:${port}`}/${path}`;
}

function expandPath(file: string, home: string): string {
  const expanded = file.replace(/^(~|%d)(?=\/|$)/, home);
  return isAbsolute(expanded) ? expanded : join(home, expanded);
}
