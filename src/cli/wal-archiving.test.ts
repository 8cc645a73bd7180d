/** `wal push` and `wal fetch` where they belong: run by a live server as its archive_command, and by a recovering one as its restore_command. */
import { chown, chmod, cp, mkdir, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { serverUser } from '../../test/harness/postgres/cluster-process.ts';
import { startCluster, type ThrowawayCluster } from '../../test/harness/postgres/throwaway-cluster.ts';
import { mainFile, makeWorkplace, password, runHoldfast } from './testing/run-holdfast.ts';

vi.setConfig({ testTimeout: 300_000 });

const place = await makeWorkplace();
const clusters: ThrowawayCluster[] = [];
afterAll(async () => {
  for (const cluster of clusters) await cluster.stop();
  await place.remove();
});

test('a server archives through holdfast, and another one recovers to a moment through it', async () => {
  const user = serverUser() ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const room = place.path('room');
  const [repository, passwordFile] = [`${room}/repository`, `${room}/password`];
  await mkdir(room);
  await writeFile(passwordFile, password, { mode: 0o600 });
  for (const path of [room, passwordFile]) await chown(path, user.uid, user.gid);
  await chmod(place.folder, 0o755);
  const holdfast = async (...args: string[]): Promise<void> => {
    const { status, stderr } = await runHoldfast([...args, '-r', repository], { uid: user.uid, env: { HOME: room } });
    expect({ args, status, stderr: status === 0 ? '' : stderr }).toEqual({ args, status: 0, stderr: '' });
  };
  const command = (what: string): string =>
    `env HOME=${room} ${process.execPath} --disable-warning=ExperimentalWarning ${mainFile} wal ${what} -r ${repository} --password-file ${passwordFile}`;

  await holdfast('repo', 'init');
  const server = await startCluster({
    version: 15,
    settings: { archive_mode: 'on', archive_command: command('push "%p"').replaceAll("'", "''"), wal_keep_size: '0' },
  });
  clusters.push(server);
  const archived = async (name: string): Promise<void> => {
    for (;;) {
      const [row] = await server.query<{ last: string | null; failed: number; message: string | null }>(
        'SELECT last_archived_wal AS last, failed_count::int AS failed, last_failed_wal AS message FROM pg_stat_archiver',
      );
      expect(row?.failed).toBe(0);
      if ((row?.last ?? '') >= name) return;
      await sleep(200);
    }
  };
  const nextSegment = async (): Promise<string> => {
    const [row] = await server.query<{ name: string }>('SELECT pg_walfile_name(pg_switch_wal()) AS name');
    return row?.name ?? '';
  };
  await server.query('CREATE TABLE orders (id int PRIMARY KEY)');
  const socket = `postgresql://postgres@/postgres?host=${encodeURIComponent(server.socketFolder)}&port=${server.port}`;
  await holdfast('backup', '--postgres', socket, '--mode', 'physical');
  await server.query('INSERT INTO orders SELECT generate_series(1, 5000)');
  const [moment] = await server.query<{ at: Date }>('SELECT clock_timestamp() AS at');
  await server.query('SELECT pg_sleep(0.1)');
  await server.query('DROP TABLE orders');
  await archived(await nextSegment());

  const recovered = await startCluster({
    version: 15,
    settings: {
      archive_mode: 'off',
      restore_command: command('fetch %f "%p"').replaceAll("'", "''"),
      recovery_target_time: moment?.at.toISOString().replace('T', ' ').replace('Z', '+00') ?? '',
      recovery_target_action: 'promote',
    },
    from: {
      password: server.password,
      fill: async (folder) => {
        await holdfast('restore', 'latest', '--target', `${room}/target`);
        await cp(`${room}/target/postgres/cluster/data`, folder, { recursive: true });
        await writeFile(`${folder}/recovery.signal`, '');
      },
    },
  });
  clusters.push(recovered);
  for (;;) {
    const [state] = await recovered.query<{ recovering: boolean }>('SELECT pg_is_in_recovery() AS recovering');
    if (state?.recovering === false) break;
    await sleep(200);
  }
  expect(await recovered.query('SELECT count(*)::int AS n FROM orders')).toEqual([{ n: 5000 }]);
});
