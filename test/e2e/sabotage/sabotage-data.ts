/** What the application for sabotage holds, and how it grows: a little every day, more on some days of the week, with tables that come and go. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { noiseBytes } from '../../harness/trees/seeded-bytes.ts';
import type { SabotageSystem } from './sabotage-system.ts';

export const databasePassword = 'rows-and-columns';

type Place = Pick<SabotageSystem, 'cluster' | 'redis' | 'path' | 'day'>;

const run = promisify(execFile);

const schema = `
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id serial PRIMARY KEY, customer int NOT NULL REFERENCES customers, amount int NOT NULL, note text NOT NULL);
CREATE TABLE attachments (file text PRIMARY KEY);
CREATE TABLE sessions (id int PRIMARY KEY, seen timestamptz NOT NULL);
INSERT INTO customers (name) SELECT 'customer ' || i FROM generate_series(1, 400) i;
INSERT INTO orders (customer, amount, note) SELECT 1 + i % 400, i, 'as always, number ' || i FROM generate_series(1, 4000) i;
`;

/* Every upload that a row names must have come back. */
const checkUploads = `set -eu
names=$(psql -X -A -t -d "$HOLDFAST_DRILL_DATABASE_URL" -c 'select file from attachments order by file')
for file in $names; do
  found=$(find "$HOLDFAST_DRILL_FOLDER_UPLOADS" -type f -path "*/uploads/$file" | head -n 1)
  [ -n "$found" ] || { echo "a row names the upload $file, which was not saved" >&2; exit 1; }
done
`;

export async function beginData(place: Place): Promise<void> {
  const { cluster, path } = place;
  await cluster.query(`CREATE ROLE app LOGIN CREATEDB PASSWORD '${databasePassword}'`);
  await cluster.query('CREATE DATABASE shop OWNER app');
  await cluster.psql(`SET ROLE app;${schema}`, 'shop');
  await fillCache(place);
  await mkdir(path('uploads'), { recursive: true });
  await addUploads(place, -100, 60);
  await writeFile(path('.env'), 'APP_PORT=8080\nSESSION_SECRET=not-for-everybody\n');
  await writeFile(path('nginx.conf'), 'server { listen 8080; }\n');
  await writeFile(path('check-uploads.sh'), checkUploads);
  await beginCode(place);
}

export async function fillCache({ redis }: Pick<Place, 'redis'>): Promise<void> {
  await redis.cli('EVAL', "for i = 1, 200 do redis.call('SET', 'key:' .. i, i) end", '0');
}

/** A day's use. */
export async function growData(place: Place): Promise<void> {
  const { cluster, day } = place;
  const isWeekend = (day + 700) % 7 > 4;
  const orders = isWeekend ? 10 : 40;
  await cluster.psql(
    `SET ROLE app;
     INSERT INTO customers (name) SELECT 'later customer ' || i FROM generate_series(1, 2) i;
     INSERT INTO orders (customer, amount, note) SELECT 1 + i % 400, i, 'of day ${day}, number ' || i FROM generate_series(1, ${orders}) i;
     DELETE FROM sessions;
     INSERT INTO sessions SELECT i, now() FROM generate_series(1, ${5 + ((day * 37) % 90) ** 2 / 100}::int) i;`,
    'shop',
  );
  await addUploads(place, day, isWeekend ? 1 : 3);
}

async function addUploads({ cluster, path }: Place, day: number, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `day${day}-${index}${index % 2 === 0 ? '.jpg' : '.txt'}`);
  for (const [index, name] of names.entries()) {
    const photo = noiseBytes(`${day} ${index}`, 6000);
    await writeFile(path('uploads', name), name.endsWith('.jpg') ? photo : `${name} is a letter. `.repeat(400));
  }
  await cluster.query(`INSERT INTO attachments SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`, 'shop', [names]);
}

/** A work tree whose commits are all where they come from. */
async function beginCode({ path }: Place): Promise<void> {
  const git = (...words: string[]): Promise<unknown> =>
    run('git', ['-C', path('code'), '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...words]);
  await mkdir(path('code'));
  await run('git', ['init', '--quiet', '--bare', path('origin.git')]);
  await git('init', '--quiet', '-b', 'main');
  await writeFile(path('code', 'app.txt'), 'the program\n');
  await git('add', '.');
  await git('commit', '--quiet', '-m', 'Begin');
  await git('remote', 'add', 'origin', path('origin.git'));
  await git('push', '--quiet', '-u', 'origin', 'main');
}
