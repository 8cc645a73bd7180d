/** An application on a network of its own: a web service that publishes a port, a database that only it reaches by name, a Redis server, a volume. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { baseImage } from '../harness/docker/docker.ts';

export const databasePassword = 'known-to-this-test-only';

const compose = `
version: '3.7'
services:
  db:
    image: ${baseImage}
    networks: [inner]
    entrypoint: [sh, /opt/start-db.sh]
    stop_signal: SIGINT
    environment: { POSTGRES_PASSWORD: '\${POSTGRES_PASSWORD}' }
    volumes: ['db-data:/srv/data', './start-db.sh:/opt/start-db.sh:ro']
    healthcheck: { test: [CMD, pg_isready, -h, 127.0.0.1, -U, postgres, -d, shop], interval: 1s, timeout: 3s, retries: 60 }
  sessions:
    image: ${baseImage}
    networks: [inner]
    command: [redis-server, --dir, /data, --save, '']
    volumes: ['redis-data:/data']
  web:
    image: ${baseImage}
    container_name: \${WEB_NAME}
    networks: [inner]
    init: true
    command: [python3, /opt/web.py]
    environment: { DATABASE_URL: 'postgresql://postgres:\${POSTGRES_PASSWORD}@db/shop' }
    ports: ['\${WEB_PORT}:80']
    volumes: ['uploads:/data', './web.py:/opt/web.py:ro']
    depends_on: [db]
networks: { inner: {} }
volumes: { db-data: {}, redis-data: {}, uploads: {} }
`;

const startDatabase = `set -eu
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
if [ "$(id -u)" = 0 ]; then
  mkdir -p /srv/data /var/run/postgresql
  chown postgres:postgres /srv/data /var/run/postgresql
  chmod 0700 /srv/data
  exec setpriv --reuid=postgres --regid=postgres --init-groups sh "$0"
fi
if [ ! -s /srv/data/PG_VERSION ]; then
  password=$(mktemp)
  printf '%s\\n' "$POSTGRES_PASSWORD" > "$password"
  initdb -D /srv/data -U postgres --pwfile="$password" --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 -N
  echo 'host all all all scram-sha-256' >> /srv/data/pg_hba.conf
  pg_ctl -D /srv/data --wait --options="-c listen_addresses=''" start
  createdb -U postgres shop
  pg_ctl -D /srv/data --wait --mode=fast stop
fi
exec postgres -D /srv/data -c listen_addresses='*' -c shared_buffers=32MB -c fsync=off
`;

/* What it says comes from its database and its volume. */
const web = `import http.server, os, psycopg2
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            with psycopg2.connect(os.environ['DATABASE_URL'], connect_timeout=3) as connection, connection.cursor() as cursor:
                cursor.execute('select text from notes')
                text = cursor.fetchone()[0] + ' and ' + open('/data/note.txt').read()
            status = 200
        except Exception as error:
            status, text = 503, str(error)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())
http.server.ThreadingHTTPServer(('', 80), Page).serve_forever()
`;

function configuration(port: number): string {
  return `application: shop
repositories: { local: ../repository }
components:
  database: { postgres: { service: db, database: shop, user: postgres } }
  sessions: { redis: { service: sessions } }
  uploads: { files: { volume: uploads } }
  config: { config: { files: [.env, docker-compose.yml, start-db.sh, web.py] } }
recovery:
  health: { url: 'http://127.0.0.1:${port}/', within: 1m }
  smoke:
    - { http: 'http://127.0.0.1:${port}/', contains: saved row and saved file }
    - sql: select count(*) = 1 from notes
drills:
  quarterly: { restore: [database, sessions, uploads] }
  yearly: { kind: full, within: 10m }
`;
}

/** Writes its files. The folder's name is that of the Compose project. */
export async function writeApplication(
  folder: string,
  { port, webName }: { readonly port: number; readonly webName: string },
): Promise<void> {
  await mkdir(folder);
  const files = {
    '.env': `WEB_PORT=${port}\nWEB_NAME=${webName}\nPOSTGRES_PASSWORD=${databasePassword}\n`,
    'docker-compose.yml': compose,
    'start-db.sh': startDatabase,
    'web.py': web,
    'holdfast.yaml': configuration(port),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}
