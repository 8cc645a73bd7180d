import { expect, test } from 'vitest';
import { maskSecrets } from './mask-secrets.ts';

test('values named like secrets and passwords in URLs are taken out, other words stay', () => {
  const environment = { DB_PASSWORD: 'hunter22', API_TOKEN: 'abc', PATH: '/usr/bin', SECRET_KEY: 'very secret' };
  expect(maskSecrets('login with hunter22 and very secret at https://me:pw@host/x from /usr/bin; abc', environment)).toBe(
    'login with *** and *** at https://me:***@host/x from /usr/bin; abc',
  );
});
