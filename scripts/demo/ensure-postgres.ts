/** Makes sure that this machine has a PostgreSQL server and its tools. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { installedServers } from '../../test/harness/postgres/throwaway-cluster.ts';

/**
 * Installs Debian's PostgreSQL when there is none and this process may (root, apt-get). The server that the package starts by
 * itself is not wanted and is kept from starting. Throws, saying what to install, where it may not.
 */
export async function ensurePostgres(say: (line: string) => void = () => {}): Promise<void> {
  if ((await installedServers()).length > 0) return;
  const needed = 'apt-get install -y postgresql';
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    throw new Error(
      `Cannot run the demo: PostgreSQL is not installed. Run: sudo ${needed} (or install PostgreSQL 13 or newer with its client tools).`,
    );
  say(`Installing PostgreSQL (${needed}) …`);
  /* policy-rc.d is how Debian is told not to start services; a policy that is there already is left alone. */
  const script = `
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then printf '#!/bin/sh\\nexit 101\\n' > $policy && chmod 755 $policy && trap 'rm -f $policy' EXIT; fi
    apt-get install -y -q postgresql || { apt-get update -q && apt-get install -y -q postgresql; }`;
  const done = spawnSync('sh', ['-c', script], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, encoding: 'utf8' });
  if ((await installedServers()).length === 0)
    throw new Error(`Cannot run the demo: "${needed}" failed: ${done.stderr.trim().split('\n').slice(-3).join('; ')}`);
}
