/** A PostgreSQL server in a container without any network: reached by its own socket or not at all. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { baseImage, type TestDocker } from './docker.ts';

export interface PostgresContainer {
  readonly name: string;
  readonly user: 'postgres';
  readonly password: string;
  /** Runs a script through psql inside, stopping at the first error. What psql printed. */
  psql(script: string, database?: string): Promise<string>;
  /** Runs a program inside, as the server's superuser with its password. */
  run(command: readonly string[]): Promise<string>;
}

const server = `
mkdir -p /srv/data /var/run/postgresql
chown postgres /srv/data /var/run/postgresql
printf '%s' "$SERVER_PASSWORD" >/srv/password
chown postgres /srv/password
exec setpriv --reuid=postgres --regid=postgres --init-groups sh -c '
  PATH=/usr/lib/postgresql/$SERVER_MAJOR/bin:$PATH
  test -e /srv/data/PG_VERSION || initdb -D /srv/data -U postgres --auth=scram-sha-256 --pwfile=/srv/password -E UTF8 --locale=C.UTF-8 -N >/dev/null
  exec postgres -D /srv/data -c listen_addresses= -c unix_socket_directories=/var/run/postgresql -c fsync=off -c shared_buffers=32MB'`;

/**
 * @param options more options of `docker run`.
 * @param of another version than the base image's 15, and an image that has it
 */
export async function startPostgres(
  docker: TestDocker,
  name: string,
  options: readonly string[] = [],
  of: { readonly version: number; readonly image: string } = { version: 15, image: baseImage },
): Promise<PostgresContainer> {
  const password = randomBytes(12).toString('hex');
  const environment = { SERVER_PASSWORD: password, SERVER_MAJOR: String(of.version) };
  await docker.run({ name, image: of.image, network: 'none', environment, command: ['sh', '-c', server], options });
  const run = (command: readonly string[]): Promise<string> =>
    docker.docker(['exec', '-e', 'PGUSER=postgres', '-e', `PGPASSWORD=${password}`, name, ...command]);
  const container: PostgresContainer = {
    name,
    user: 'postgres',
    password,
    run,
    psql: (script, database = 'postgres') => run(['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', database, '-c', script]),
  };
  await waitUntilUp(container);
  return container;
}

/** Also after a restart. */
export async function waitUntilUp(container: PostgresContainer): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await container.psql('SELECT 1');
      return;
    } catch (error) {
      if (attempt === 300) throw error;
      await sleep(100);
    }
  }
}
