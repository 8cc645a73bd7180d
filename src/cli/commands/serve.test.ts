import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { makeWorkplace, runHoldfast } from '../testing/run-holdfast.ts';

const place = await makeWorkplace();
afterAll(() => place.remove());
const folder = place.path('served');
mkdirSync(folder);
writeFileSync(place.path('empty'), '');

/* That it serves is shown with stock restic in test/interop/. */
test.each([
  [['--listen', '127.0.0.1:0'], '--path DIR is missing'],
  [['--path', folder, '--listen', 'nowhere'], 'is not an address such as'],
  [['--path', folder, '--listen', '127.0.0.1:99999'], 'is not an address such as'],
  [['--path', folder, '--tls-cert', 'x'], '--tls-cert and --tls-key belong together'],
  [['--path', folder, '--tls-cert', 'x', '--tls-key', 'y'], 'ENOENT'],
  [
    ['--path', folder, '--tls-cert', place.path('empty'), '--tls-key', place.path('empty'), '--listen', '127.0.0.1:0'],
    'certificate or its key',
  ],
  [['--path', folder, '--listen', ':0'], 'there are no users'],
  [['--path', folder, '--listen', '127.0.0.1:0', '--private-repos'], 'need users'],
  [['--path', folder, '--listen', '127.0.0.1:0', '--htpasswd', place.path('empty')], 'nobody stands in it'],
  [['--path', folder, '--max-size', 'much'], 'is not a size'],
])('serve rest %j is refused with status 2', async (words, reason) => {
  const { status, stderr } = await runHoldfast(['serve', 'rest', ...words]);
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(reason) as string });
});
