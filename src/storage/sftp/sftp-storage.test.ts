/** The contract on OpenSSH, and on a server that lacks nearly every extension and ignores exclusive opening. */
import { randomUUID } from 'node:crypto';
import { afterAll } from 'vitest';
import { startRcloneSftp } from '../../../test/harness/stores/rclone.ts';
import { startSshd } from '../../../test/harness/stores/sshd.ts';
import { storageContract } from '../testing/contract.ts';
import { createRetryStorage } from '../wrap/retry-storage.ts';
import { createSftpStorage } from './sftp-storage.ts';

const openssh = await startSshd();
const rclone = await startRcloneSftp();
afterAll(() => Promise.all([openssh.stop(), rclone.stop()]));

const host = { scheme: 'sftp', host: '127.0.0.1', parameters: {} } as const;

storageContract('OpenSSH', async () => ({
  storage: await createSftpStorage(
    { ...host, port: openssh.port, user: 'root', path: `${openssh.data}/${randomUUID()}` },
    { environment: openssh.environment },
  ),
  cleanup: async () => {},
}));

/* It fails to read what is replaced meanwhile, and so it is read again, as every command does. */
storageContract(
  'rclone serve sftp',
  async () => ({
    storage: createRetryStorage(
      await createSftpStorage(
        { ...host, port: rclone.port, user: rclone.user, path: `/${randomUUID()}` },
        { environment: rclone.environment },
      ),
      { firstDelay: 20 },
    ),
    cleanup: async () => {},
  }),
  { exclusive: false, replacesWhole: false },
);
