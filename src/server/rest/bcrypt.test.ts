import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { isBcrypt, verifyBcrypt } from './bcrypt.ts';

test.each([
  ['secret', '4'],
  ['', '4'],
  ['ünïcode päss:wörd', '5'],
  ['x'.repeat(71), '4'],
  ['ten rounds', '8'],
])("what Apache's htpasswd made of %j", async (password, cost) => {
  const hash = execFileSync('htpasswd', ['-nbBC', cost, 'user', password], { encoding: 'utf8' }).trim().slice('user:'.length);
  expect(isBcrypt(hash)).toBe(true);
  expect(await verifyBcrypt(password, hash)).toBe(true);
  for (const wrong of [`${password}x`, password.slice(1), 'Secret'])
    if (wrong !== password) expect(await verifyBcrypt(wrong, hash)).toBe(false);
});

test('what is none, or would take for ever', async () => {
  const tail = 'a'.repeat(53);
  for (const hash of ['', '$2y$', `$2y$04$${tail}x`, `$2y$03$${tail}`, `$2y$31$${tail}`, `$2x$04$${tail}`, '{SHA}xxx']) {
    expect(isBcrypt(hash), hash).toBe(false);
    expect(await verifyBcrypt('x', hash)).toBe(false);
  }
});
