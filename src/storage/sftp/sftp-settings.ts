import { readFileSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { readEnvironmentSecret } from '../environment-secret.ts';
import { failedWith } from '../file-error.ts';
import type { SftpAddress } from '../storage-address.ts';
import type { StorageEnvironment } from '../storage-options.ts';
import { readSshConfig } from './ssh-config.ts';

/** How to reach a server and who to be there: what the address, `~/.ssh/config` and the environment say together. */
export interface SftpSettings {
  readonly location: string;
  /** What is connected to. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Folder of the repository on the server. */
  readonly root: string;
  readonly identities: readonly Identity[];
  /** Socket of an agent. */
  readonly agent?: string;
  readonly knownHostsFiles: readonly string[];
  readonly environment: StorageEnvironment;
}

/** A file with a private key. */
export interface Identity {
  readonly path: string;
  /** Named by somebody, so that it must be there and open. */
  readonly isNamed: boolean;
}

const parameterNames = ['identity', 'known_hosts'];
const defaultIdentities = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
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
  const at = (file: string): string => expandPath(file, home);
  const config = readSshConfig(readIfThere(join(home, '.ssh', 'config'), location) ?? '', name);
  if (config.proxy !== undefined) {
    const reason = `~/.ssh/config has a ProxyJump or ProxyCommand for ${name}, and such connections are not made here`;
    throw new HoldfastError('storage-setup', {
      location,
      reason,
      help: `Open a tunnel (ssh -L) and use its end, or name the server itself`,
    });
  }
  const named = parameters['identity'] === undefined ? config.identityFiles : [parameters['identity']];
  const identities = named.map((file) => ({ path: at(file), isNamed: parameters['identity'] !== undefined }));
  const others = defaultIdentities.map((file) => ({ path: join(home, '.ssh', file), isNamed: false }));
  const agent = environment['SSH_AUTH_SOCK'];
  const usesAgent = agent !== undefined && agent !== '' && parameters['identity'] === undefined && !config.identitiesOnly;
  const knownHosts = parameters['known_hosts'] === undefined ? config.knownHostsFiles : [parameters['known_hosts']];
  return {
    location,
    host: config.hostName ?? name,
    port: address.port ?? config.port ?? 22,
    user: address.user ?? config.user ?? userInfo().username,
    root: path,
    identities: identities.length > 0 ? identities : others,
    ...(usesAgent ? { agent } : {}),
    knownHostsFiles: knownHosts.length > 0 ? knownHosts.map(at) : [join(home, '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts'],
    environment,
  };
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

/** A password from the environment, the only way to give one. */
export function readPassword({ environment, location }: SftpSettings): string | undefined {
  return readEnvironmentSecret(environment, 'HOLDFAST_SFTP_PASSWORD', location);
}

function locationOf({ host, port, user, path }: SftpAddress): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `sftp://${user === undefined ? '' : `${encodeURIComponent(user)}@`}${name}${port === undefined ? '' : `:${port}`}/${path}`;
}

function expandPath(file: string, home: string): string {
  const expanded = file.replace(/^(~|%d)(?=\/|$)/, home);
  return isAbsolute(expanded) ? expanded : join(home, expanded);
}
