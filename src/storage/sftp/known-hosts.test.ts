import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { fingerprintOf, KnownHosts, knownHostLine, knownHostName, keyTypeOf } from './known-hosts.ts';

/** A key as a server sends it: its type and something. */
function keyOf(type: string, rest: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, Buffer.from(type), Buffer.from(rest)]);
}

const ed25519 = keyOf('ssh-ed25519', 'one');
const other = keyOf('ssh-ed25519', 'another');
const rsa = keyOf('ssh-rsa', 'rsa');
const line = (hosts: string, key: Buffer): string => `${hosts} ${keyTypeOf(key)} ${key.toString('base64')}`;

test('names, ports, patterns, comments', () => {
  const known = new KnownHosts([
    `# a comment\n\n${line('backup.example.org,192.0.2.1', ed25519)} somebody@somewhere\n${line('*.lan,!bad.lan', ed25519)}\n`,
    line('[gate]:2222', rsa),
  ]);
  for (const [host, port] of [
    ['backup.example.org', 22],
    ['BACKUP.example.org', 22],
    ['192.0.2.1', 22],
    ['nas.lan', 22],
  ] as const)
    expect(known.judge(host, port, ed25519), host).toBe('known');
  expect(known.judge('gate', 2222, rsa)).toBe('known');
  for (const [host, port] of [
    ['backup.example.org', 2222],
    ['bad.lan', 22],
    ['example.org', 22],
    ['gate', 22],
  ] as const)
    expect(known.judge(host, port, ed25519), host).toBe('unknown');
  expect(known.judge('nas.lan', 22, other)).toBe('changed');
  // Of a type that nobody has seen, nothing is known; the server is asked for the other.
  expect(known.judge('nas.lan', 22, rsa)).toBe('unknown');
  expect(known.typesOf('nas.lan', 22)).toEqual(['ssh-ed25519']);
});

test('hashed names', () => {
  const salt = Buffer.alloc(20, 7);
  const hashed = createHmac('sha1', salt).update(knownHostName('nas', 2022)).digest('base64');
  const known = new KnownHosts([line(`|1|${salt.toString('base64')}|${hashed}`, ed25519)]);
  expect([known.judge('nas', 2022, ed25519), known.judge('nas', 22, ed25519)]).toEqual(['known', 'unknown']);
});

test('revoked keys, and authorities, which are not understood', () => {
  const known = new KnownHosts([`${line('nas', ed25519)}\n@revoked ${line('*', ed25519)}\n@cert-authority ${line('*', rsa)}`]);
  expect(known.judge('nas', 22, ed25519)).toBe('revoked');
  expect(known.judge('nas', 22, rsa)).toBe('unknown');
});

test('lines that are none, and keys that are none', () => {
  const known = new KnownHosts(['nas\nnas ssh-rsa\n|1|x ssh-rsa AAAA\n\0\n@revoked\n']);
  expect(known.judge('nas', 22, rsa)).toBe('unknown');
  for (const key of [Buffer.alloc(0), Buffer.from([255, 255, 255, 255]), keyOf('evil\x1b[31m', 'x')])
    expect(keyTypeOf(key)).toBe('unknown');
});

test('the line to add is one that is understood', () => {
  for (const port of [22, 2222]) expect(new KnownHosts([knownHostLine('NAS', port, ed25519)]).judge('nas', port, ed25519)).toBe('known');
  expect(fingerprintOf(ed25519)).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
});
