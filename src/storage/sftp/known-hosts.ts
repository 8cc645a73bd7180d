/** Whether the key that a server shows is the one that is known for it, by the lines of OpenSSH's known_hosts files. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { matchesPatterns } from './ssh-config.ts';

/** `known`: as it should be. `unknown`: nothing is known of this host. `changed`: another key of this type is known. `revoked`: marked as not to be trusted. */
export type HostKeyVerdict = 'known' | 'unknown' | 'changed' | 'revoked';

interface KnownHost {
  readonly marker: string | undefined;
  readonly hosts: string;
  readonly type: string;
  readonly key: string;
}

export class KnownHosts {
  readonly #entries: readonly KnownHost[];

  /** @param texts the contents of known_hosts files, hashed names among them or not */
  constructor(texts: readonly string[]) {
    this.#entries = texts.flatMap((text) => text.split('\n').flatMap(readLine));
  }

  /** @param key as the server sends it */
  judge(host: string, port: number, key: Buffer): HostKeyVerdict {
    const name = knownHostName(host, port);
    const shown = key.toString('base64');
    const type = keyTypeOf(key);
    const entries = this.#entries.filter(({ hosts }) => names(hosts, name));
    if (entries.some(({ marker, key: known }) => marker === '@revoked' && known === shown)) return 'revoked';
    const trusted = entries.filter(({ marker }) => marker === undefined);
    if (trusted.some(({ key: known }) => known === shown)) return 'known';
    return trusted.some((entry) => entry.type === type) ? 'changed' : 'unknown';
  }

  /** The types of keys that are known of a host: the server is asked for one of those first. */
  typesOf(host: string, port: number): string[] {
    const name = knownHostName(host, port);
    const found = this.#entries.filter(({ marker, hosts }) => marker === undefined && names(hosts, name)).map(({ type }) => type);
    return [...new Set(found)];
  }
}

/** The name a host has in these files: `host`, or `[host]:port` where the port is not 22. */
export function knownHostName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/** The very line to add for a host. */
export function knownHostLine(host: string, port: number, key: Buffer): string {
  return `${knownHostName(host, port)} ${keyTypeOf(key)} ${key.toString('base64')}`;
}

/** As `ssh-keygen -l` shows it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** `ssh-ed25519` and the like: the first text in the key. It comes from the server, so only what a type may look like is passed on. */
export function keyTypeOf(key: Buffer): string {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
  const type = key.subarray(4, 4 + Math.min(length, 64)).toString('latin1');
  return /^[a-z0-9@.-]+$/.test(type) ? type : 'unknown';
}

function readLine(line: string): KnownHost[] {
  const words = line.trim().split(/\s+/);
  const marker = words[0]?.startsWith('@') === true ? words.shift() : undefined;
  const [hosts = '', type = '', key = ''] = words;
  return hosts === '' || hosts.startsWith('#') || key === '' ? [] : [{ marker, hosts, type, key }];
}

function names(hosts: string, name: string): boolean {
  if (!hosts.startsWith('|1|')) return matchesPatterns(hosts.split(','), name);
  const [, , salt = '', hashed = ''] = hosts.split('|');
  const wanted = Buffer.from(hashed, 'base64');
  const got = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return wanted.length === got.length && timingSafeEqual(wanted, got);
}
