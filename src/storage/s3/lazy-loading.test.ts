import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

/* Every module that a process loads is told on stdout. */
const hooks = `import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { process.stdout.write(url + '\\n'); return next(url, context); } });`;

function loaded(url: string): string[] {
  const program = `const { openStorage } = await import(${JSON.stringify(new URL('../open-storage.ts', import.meta.url).href)});
const storage = await openStorage(${JSON.stringify(url)});
await storage.close();`;
  const preload = `data:text/javascript,${encodeURIComponent(hooks)}`;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--import', preload, '--input-type=module', '--eval', program],
    { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' } },
  );
  if (status !== 0) throw new Error(stderr);
  return stdout.split('\n').filter((line) => line.includes('/node_modules/'));
}

it('a repository on this machine loads no SDK', () => {
  expect(loaded('/backups/app')).toEqual([]);
});

it('one in a bucket loads that of S3, and no other', () => {
  const modules = loaded('s3://bucket/app');
  expect(modules.some((url) => url.includes('/@aws-sdk/client-s3/'))).toBe(true);
  expect(modules.filter((url) => /@azure|@google-cloud|ssh2/.test(url))).toEqual([]);
});
