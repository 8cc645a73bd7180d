import { expect, test } from 'vitest';
import { matchesPatterns, readSshConfig } from './ssh-config.ts';

const text = `
# for all
Host nas backup-*
  HostName = "nas.example.org"
  port 2222
	User keeper
  IdentityFile ~/.ssh/nas
  IdentityFile "~/.ssh/with space"

Host *.lan !printer.lan
    HostName %h.example.org
Match host other
  User nobody
Match all
  UserKnownHostsFile ~/.ssh/a ~/.ssh/b
Host *
  User late
  Port 70000
  ProxyJump none
  IdentitiesOnly yes
`;

test('the first value of each word counts, files add up', () => {
  expect(readSshConfig(text, 'nas')).toEqual({
    hostName: 'nas.example.org',
    port: 2222,
    user: 'keeper',
    identityFiles: ['~/.ssh/nas', '~/.ssh/with space'],
    identitiesOnly: true,
    knownHostsFiles: ['~/.ssh/a', '~/.ssh/b'],
    jumps: [],
  });
  expect(readSshConfig(text, 'disk.lan')).toMatchObject({ hostName: 'disk.lan.example.org', user: 'late' });
  expect(readSshConfig(text, 'printer.lan')).not.toHaveProperty('hostName');
  expect(readSshConfig(text, 'disk.lan')).not.toHaveProperty('port');
  expect(readSshConfig('Host a\nProxyCommand nc %h %p\n', 'a')).toMatchObject({ proxyCommand: 'nc %h %p', jumps: [] });
  expect(readSshConfig('Host a\nProxyJump me@gate:2222, [::1]:23\n', 'a')).toMatchObject({ jumps: ['me@gate:2222', '[::1]:23'] });
  expect(readSshConfig('', 'a')).toEqual({ identityFiles: [], identitiesOnly: false, knownHostsFiles: [], jumps: [] });
});

test('patterns, also hostile ones, are decided at once', () => {
  for (const [pattern, name, fits] of [
    ['*', '', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['*.lan', 'x.lan', true],
    ['*.lan', 'lan', false],
    ['A*', 'abc', true],
    ['a*b*c', 'a1b2c', true],
    ['a*b*c', 'a1b2', false],
    ['', '', true],
    ['a.c', 'abc', false],
  ] as const)
    expect(matchesPatterns([pattern], name), `${pattern} ${name}`).toBe(fits);
  expect(matchesPatterns(['*', '!b'], 'b')).toBe(false);
  expect(matchesPatterns(['*a'.repeat(50) + 'b'], 'a'.repeat(5000))).toBe(false);
});
