import { afterAll, beforeAll, test, vi } from 'vitest';
import { startSshd, type Sshd } from '../../harness/stores/sshd.ts';
import { liveOneLife } from './life.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

let server: Sshd;
beforeAll(async () => {
  server = await startSshd();
});
afterAll(() => server?.stop());

test("a repository's life on OpenSSH", () =>
  liveOneLife(
    {
      url: `sftp://root@127.0.0.1:${server.port}/${server.data}/app`,
      otherUrl: `sftp://root@127.0.0.1:${server.port}/deep/er/place`,
      environment: { HOME: server.home },
    },
    64,
  ));
