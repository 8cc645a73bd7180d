/** Which Docker engine is meant: DOCKER_HOST and what belongs to it, as the `docker` program reads them. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';

export interface EngineAddress {
  /** For people: `unix:///run/docker.sock`. */
  readonly title: string;
  readonly connection:
    | { readonly socketPath: string }
    | { readonly host: string; readonly port: number; readonly tls?: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer } };
  /** Whether it is an address of this machine. */
  readonly isLocal: boolean;
  /** The variables that lead another process to the same engine. No secrets: certificates are named by their folder. */
  readonly environment: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

const variables = ['DOCKER_HOST', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'];
const plainPort = 2375;
const tlsPort = 2376;

/** Reads the address from an environment. Throws `docker-address`. */
export function readEngineAddress(environment: Environment): EngineAddress {
  const named = environment['DOCKER_HOST'] ?? '';
  const title = named === '' ? `unix://${defaultSocket(environment)}` : named;
  const kept = Object.fromEntries(variables.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
  const connection = parseHost(title, environment);
  const isLocal = 'socketPath' in connection || /^(localhost|127(\.\d+){3}|::1)$/.test(connection.host);
  return { title, connection, isLocal, environment: { ...kept, DOCKER_HOST: title } };
}

function defaultSocket(environment: Environment): string {
  const home = environment['HOME'] ?? homedir();
  const runtime = environment['XDG_RUNTIME_DIR'];
  const candidates = [
    '/var/run/docker.sock',
    join(home, '.docker/run/docker.sock'),
    ...(runtime === undefined ? [] : [join(runtime, 'docker.sock')]),
  ];
  return candidates.find((path) => existsSync(path)) ?? '/var/run/docker.sock';
}

function parseHost(title: string, environment: Environment): EngineAddress['connection'] {
  if (title.startsWith('unix://')) return { socketPath: title.slice('unix://'.length) };
  const url = URL.parse(title.includes('://') ? title : `tcp://${title}`);
  if (url === null || url.hostname === '') throw new HoldfastError('docker-address', { engine: title, reason: 'it is not an address' });
  if (url.protocol === 'ssh:')
    throw new HoldfastError('docker-address', { engine: title, reason: 'SSH is not supported; let ssh -L forward its socket instead' });
  const isSecure =
    url.protocol === 'https:' || (environment['DOCKER_TLS_VERIFY'] ?? '') !== '' || (environment['DOCKER_CERT_PATH'] ?? '') !== '';
  if (!isSecure && !['tcp:', 'http:'].includes(url.protocol))
    throw new HoldfastError('docker-address', { engine: title, reason: `"${url.protocol}//" is not supported` });
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? (isSecure ? tlsPort : plainPort) : Number(url.port);
  return isSecure ? { host, port, tls: readCertificates(title, environment) } : { host, port };
}

function readCertificates(title: string, environment: Environment): { ca: Buffer; cert: Buffer; key: Buffer } {
  const named = environment['DOCKER_CERT_PATH'] ?? '';
  const folder = named === '' ? join(environment['HOME'] ?? homedir(), '.docker') : named;
  try {
    const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((file) => readFileSync(join(folder, file)));
    if (ca === undefined || cert === undefined || key === undefined) throw new TypeError('three files were read');
    return { ca, cert, key };
  } catch (error) {
    throw new HoldfastError('docker-address', { engine: title, reason: `its certificates cannot be read: ${reasonOf(error)}` }, error);
  }
}
