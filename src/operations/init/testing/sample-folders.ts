/** Folders of applications as people have them: their files, and what `init` makes of them. */

export interface SampleFolder {
  readonly name: string;
  /** Path to text; a path with a slash at its end is a folder. */
  readonly files: Readonly<Record<string, string>>;
  /** Components by name; those that are not sure begin with `# `. */
  readonly components: readonly string[];
}

const gitWithRemote = '[core]\n\tbare = false\n[remote "origin"]\n\turl = https://user:hunter2@example.org/shop.git\n';

export const sampleFolders: readonly SampleFolder[] = [
  {
    name: 'Flask in Compose, attachments in a named volume, git',
    files: {
      'docker-compose.yml': `name: northstar
services:
  db:
    image: postgres:16-alpine
    environment:
      POSTGRES_DB: timesheet_db
      POSTGRES_USER: timesheet
      POSTGRES_PASSWORD: hunter2
    volumes: [pgdata:/var/lib/postgresql/data]
    healthcheck: { test: [CMD-SHELL, pg_isready] }
  web:
    build: .
    ports: ["8080:5000"]
    depends_on: { db: { condition: service_healthy } }
    environment: { DATABASE_URL: "postgresql://timesheet:hunter2@db/timesheet_db" }
    volumes: [uploads:/app/uploads, "./app:/app/app"]
    healthcheck: { test: curl -f localhost:5000/health }
volumes: { pgdata: {}, uploads: {} }
`,
      '.env': 'SECRET_KEY=hunter2\nDATABASE_URL=postgresql://timesheet:hunter2@db/timesheet_db\n',
      'migrations/alembic.ini': '',
      '.git/config': gitWithRemote,
      '.gitignore': 'node_modules',
    },
    components: [
      'database: { postgres: { service: db, database: timesheet_db, user: timesheet } }',
      'uploads: { files: { volume: uploads } }',
      'config: { config: { files: [.env, docker-compose.yml], secrets: encrypted } }',
      '# logs: { logs: { services: all, days: 7 } }',
      'code: { code: . }',
    ],
  },
  {
    name: 'variables of .env in the Compose file, Redis with a password, uploads in a folder',
    files: {
      'compose.yaml': `services:
  postgres:
    image: "postgis/postgis:16-3.4"
    environment: ["POSTGRES_DB=\${DB_NAME}", "POSTGRES_USER=\${DB_USER:-sme}", "POSTGRES_PASSWORD"]
  redis: { image: redis:7, command: [redis-server, --requirepass, "\${REDIS_PASSWORD}"] }
  api: { image: sme/api, depends_on: [postgres, redis], volumes: ["./data/uploads:/srv/uploads:rw", "/app/node_modules", "cache:/tmp/cache"] }
  worker: { image: sme/api, depends_on: [postgres], volumes: [{ type: bind, source: ./data/uploads, target: /srv/uploads }] }
`,
      '.env': 'DB_NAME="receivables"\nPOSTGRES_PASSWORD=hunter2\nREDIS_PASSWORD=hunter2\nREDIS_URL=redis://:hunter2@redis:6379/0\n',
      '.env.production': 'X=1\n',
      '.env.example': 'X=\n',
      'data/uploads/': '',
    },
    components: [
      'database: { postgres: { service: postgres, database: receivables, user: sme } }',
      'cache: { redis: { service: redis, password: { env: REDIS_PASSWORD } } }',
      'uploads: { files: ./data/uploads }',
      '# cache-2: { files: { volume: cache } }',
      'config: { config: { files: [.env, .env.production, compose.yaml], secrets: encrypted } }',
      '# logs: { logs: { services: all, days: 7 } }',
    ],
  },
  {
    name: 'no Compose: a URL in .env, media beside the code, git without a remote',
    files: {
      '.env':
        'export DATABASE_URL="postgres://app:hunter2@127.0.0.1:5433/app?sslmode=require"\nREDIS_URL=redis://localhost:6379/1 # cache\n',
      'manage.py': '',
      'media/': '',
      'static/uploads/': '',
      '.git/config': '[core]\n\tbare = false\n',
    },
    components: [
      'database: { postgres: { url: { env: DATABASE_URL } } }',
      'cache: { redis: { url: { env: REDIS_URL } } }',
      'media: { files: ./media }',
      'uploads: { files: ./static/uploads }',
      'config: { config: { files: [.env], secrets: encrypted } }',
      '# code: { code: . }',
    ],
  },
  {
    name: "a URL with a library's own words",
    files: { '.env': 'DATABASE_URL=postgresql+psycopg2://app:hunter2@db.internal:5432/app?schema=public\n' },
    components: [
      'database: { postgres: postgresql://app@db.internal:5432/app }',
      'config: { config: { files: [.env], secrets: encrypted } }',
    ],
  },
  {
    name: 'single variables',
    files: {
      '.env': 'DB_CONNECTION=pgsql\nDB_HOST=localhost\nDB_PORT=5432\nDB_DATABASE=laravel\nDB_USERNAME=forge\nDB_PASSWORD=hunter2\n',
      'storage/app/x': 'x',
      'artisan': '',
    },
    components: [
      'database: { postgres: postgresql://forge@localhost:5432/laravel }',
      'storage: { files: ./storage }',
      'config: { config: { files: [.env], secrets: encrypted } }',
    ],
  },
  {
    name: 'two databases, one of them built, and one that is another program',
    files: {
      'docker-compose.yaml': `services:
  main: { build: { context: ./docker/postgres }, environment: { POSTGRES_USER: "we\\"ird, {user}" } }
  stats: { image: timescale/timescaledb:latest-pg16 }
  db: { image: "mysql:8", environment: { MYSQL_PASSWORD: hunter2 } }
  app: { image: x, environment: { POSTGRES_HOST: main, POSTGRES_PASSWORD: hunter2 } }
`,
    },
    components: [
      'database-main: { postgres: { service: main, database: "we\\"ird, {user}", user: "we\\"ird, {user}" } }',
      'database-stats: { postgres: { service: stats, database: postgres, user: postgres } }',
      'config: { config: { files: [docker-compose.yaml], secrets: encrypted } }',
      '# logs: { logs: { services: all, days: 7 } }',
    ],
  },
  {
    name: 'a Compose file that is broken',
    files: { 'compose.yml': 'services: [\n', 'uploads/': '' },
    components: ['uploads: { files: ./uploads }', 'config: { config: { files: [compose.yml], secrets: encrypted } }'],
  },
  {
    name: 'nothing that says anything',
    files: { 'index.html': '<p>hello</p>\n' },
    components: ['files: { files: { path: ., exclude: [node_modules, backups, .holdfast-password] } }'],
  },
];
