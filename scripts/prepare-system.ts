/** What the tests need of the machine: stock restic as the judge, real attributes, real access lists, a real PostgreSQL of every version, a real Docker engine. */
import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isImageMade, makeBaseImage } from '../test/harness/docker/base-image.ts';
import { makeNodeRoot } from '../test/harness/docker/node-image.ts';
import { fetchServers } from '../test/harness/postgres/server-versions.ts';
import { fetchKubernetesModels } from '../test/harness/programs/kubernetes-models.ts';
import { fetchAzurite } from '../test/harness/stores/azurite.ts';
import { fetchGcsEmulator } from '../test/harness/stores/gcs-emulator.ts';
import { runProgram } from './run-program.ts';

interface Requirement {
  /** Debian's name for it. */
  readonly package: string;
  readonly programs: readonly string[];
}

const requirements: readonly Requirement[] = [
  { package: 'restic', programs: ['restic'] },
  { package: 'attr', programs: ['setfattr', 'getfattr'] },
  { package: 'acl', programs: ['setfacl', 'getfacl'] },
  { package: 'postgresql', programs: ['initdb', 'pg_ctl', 'psql', 'pg_dump', 'pg_restore'] },
  { package: 'redis-server', programs: ['redis-server'] },
  { package: 'docker.io', programs: ['docker', 'dockerd'] },
  { package: 'docker-compose', programs: ['docker-compose'] },
  { package: 'debootstrap', programs: ['debootstrap'] },
  { package: 'openssl', programs: ['openssl'] },
  { package: 'gnupg', programs: ['gpg', 'gpgconf'] },
  { package: 'age', programs: ['age', 'age-keygen'] },
  { package: 'zstd', programs: ['zstd'] },
  { package: 'zip', programs: ['zip'] },
  { package: 'python3', programs: ['python3'] },
  { package: 'openssh-server', programs: ['sshd'] },
  { package: 'openssh-client', programs: ['ssh', 'ssh-keygen', 'ssh-agent'] },
  { package: 'rclone', programs: ['rclone'] },
  { package: 'apache2-utils', programs: ['htpasswd'] },
  { package: 'radosgw', programs: ['radosgw', 'radosgw-admin'] },
  { package: 'ceph-mon', programs: ['ceph-mon', 'monmaptool'] },
  { package: 'ceph-osd', programs: ['ceph-osd'] },
  { package: 'ceph-common', programs: ['ceph', 'ceph-authtool'] },
  { package: 'swift-proxy', programs: ['swift-proxy-server'] },
  { package: 'swift-account', programs: ['swift-account-server'] },
  { package: 'swift-container', programs: ['swift-container-server'] },
  { package: 'swift-object', programs: ['swift-object-server'] },
  { package: 'memcached', programs: ['memcached'] },
  { package: 'systemd', programs: ['systemd-analyze', 'systemctl'] },
  { package: 'cron', programs: ['crontab'] },
  { package: 'libxml2-utils', programs: ['xmllint'] },
  { package: 'prometheus', programs: ['prometheus', 'promtool'] },
  { package: 'prometheus-alertmanager', programs: ['prometheus-alertmanager', 'amtool'] },
  // A library: its program is its own command line.
  { package: 'python3-aiosmtpd', programs: ['aiosmtpd'] },
  // What the benchmarks compare with.
  { package: 'borgbackup', programs: ['borg'] },
  { package: 'pgbackrest', programs: ['pgbackrest'] },
];

/** Installs what is missing where that can be done (root, apt). Throws with the exact command to run where it cannot. */
export async function prepareSystem(): Promise<void> {
  await installMissing();
  await fetchServers();
  await fetchAzurite();
  await fetchGcsEmulator();
  await fetchKubernetesModels();
  if (!isImageMade()) process.stdout.write('making the images that the Docker tests use (two minutes, once a machine)\n');
  /* The tests that need them say so themselves. */
  for (const make of [makeBaseImage, makeNodeRoot])
    await make().catch((error: unknown) => process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`));
}

/** Programs only: what the benchmarks need. Throws as `prepareSystem` does. */
export async function installMissing(): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const install = ['install', '--yes', '--no-install-recommends', ...missing];
  if (process.getuid?.() !== 0 || !isInstalled('apt-get')) {
    throw new Error(
      `Tests and benchmarks need programs that this machine does not have. Run as root: apt-get update && apt-get ${install.join(' ')}`,
    );
  }
  process.stdout.write(`installing ${missing.join(', ')}\n`);
  for (const args of [['update'], install]) {
    const { status, output } = await runProgram('apt-get', args, { env: { DEBIAN_FRONTEND: 'noninteractive' } });
    if (status !== 0) throw new Error(`apt-get ${args.join(' ')} failed:\n${output}`);
  }
  const still = missingPackages();
  if (still.length > 0) throw new Error(`apt-get installed ${still.join(', ')}, and yet their programs are not to be found.`);
}

function missingPackages(): string[] {
  return requirements.filter(({ programs }) => !programs.every(isInstalled)).map((requirement) => requirement.package);
}

/** Debian keeps the programs of a PostgreSQL server outside PATH. */
function isInstalled(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...globSync('/usr/lib/postgresql/*/bin')];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

if (import.meta.main) await prepareSystem();
