/** Installs examples/northstar-timesheet in a folder of its own, and fills it. */
import { createHash } from 'node:crypto';
import { chmod, chown, cp, lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { database, type DemoApplication, runOrThrow } from './demo-application.ts';
import { applicationRows } from './application-rows.ts';
import { listTree } from './list-tree.ts';
import { createUploads } from './uploads.ts';

type Installed = Omit<DemoApplication, 'web'>;

const example = fileURLToPath(new URL('../../examples/northstar-timesheet/', import.meta.url));
const script = fileURLToPath(new URL('host/application.sh', import.meta.url));
const wwwData = 33;

/** Code, released in git without a remote; `.env` with `settings`; the Compose file; holdfast.yaml. Whether app.py can run here. */
export async function installApplication(
  application: Installed,
  settings: Readonly<Record<string, string | number>>,
  repository: string,
): Promise<boolean> {
  const { folder } = application;
  for (const name of ['app', 'db', 'docker-compose.yml']) await cp(join(example, name), join(folder, name), { recursive: true });
  await cp(script, join(folder, 'application.sh'));
  await writeFile(join(folder, '.env'), changeSettings(await readFile(join(example, '.env'), 'utf8'), settings), { mode: 0o600 });
  await mkdir(join(folder, 'uploads'));
  const hasWeb = await runOrThrow(application, 'sh', ['application.sh', 'web']).then(
    () => true,
    () => false,
  );
  const health = `http://127.0.0.1:${settings['WEB_PORT'] ?? ''}`;
  await writeFile(
    join(folder, 'holdfast.yaml'),
    configure(await readFile(join(example, 'holdfast.yaml'), 'utf8'), repository, hasWeb ? health : undefined),
  );
  await writeFile(join(folder, '.gitignore'), '.env\nuploads\n');
  const who = ['-c', 'user.name=Northstar', '-c', 'user.email=northstar@example.org'];
  for (const words of [
    ['init', '--quiet', '--initial-branch', 'main'],
    ['add', '.'],
    [...who, 'commit', '--quiet', '--message', 'Version 1.2.3'],
  ])
    await runOrThrow(application, 'git', words);
  return hasWeb;
}

/** Schema, uploads, and rows, among them one for each upload with its SHA-256. As root, uploads belong to www-data, as the example's do. */
export async function fillApplication(application: Installed): Promise<void> {
  const { folder, cluster } = application;
  await runOrThrow(application, 'sh', ['application.sh', 'migrate']);
  const uploads = join(folder, 'uploads');
  await Promise.all([createUploads(uploads), cluster.psql(`SET ROLE timesheet; ${applicationRows}`, database)]);
  await addAttachments(application, await listTree(uploads));
  if (process.getuid?.() === 0) await runOrThrow(application, 'chown', ['-Rh', `${wwwData}:${wwwData}`, 'uploads']);
}

/** Work goes on: changed and new rows, and an upload with its row. */
export async function workGoesOn(application: Installed): Promise<void> {
  const file = join(application.folder, 'uploads/2026/signed contract.pdf');
  await writeFile(file, Buffer.alloc(400_000, 'signed '));
  await chmod(file, 0o640);
  if (process.getuid?.() === 0) await chown(file, wwwData, wwwData);
  await addAttachments(application, ['2026/signed contract.pdf']);
  await application.cluster.query("UPDATE entries SET note = 'checked: ' || note WHERE id % 100 = 1", database);
}

async function addAttachments({ folder, cluster }: Installed, paths: readonly string[]): Promise<void> {
  const rows: { path: string; type: string; size: number; sha256: string; uploaded: string }[] = [];
  for (const path of paths) {
    const info = await lstat(join(folder, 'uploads', path));
    if (!info.isFile()) continue;
    const content = await readFile(join(folder, 'uploads', path));
    const type = path.endsWith('.pdf') ? 'application/pdf' : path.endsWith('.png') ? 'image/png' : 'text/plain; charset=utf-8';
    const sha256 = createHash('sha256').update(content).digest('hex');
    rows.push({ path, type, size: content.length, sha256, uploaded: info.mtime.toISOString() });
  }
  await cluster.query(
    `INSERT INTO attachments (timesheet_id, path, media_type, size, sha256, uploaded_at)
     SELECT (SELECT id FROM timesheets ORDER BY number LIMIT 1), path, type, size, sha256, uploaded
     FROM json_to_recordset($1::json) AS r(path text, type text, size int, sha256 text, uploaded timestamptz)`,
    database,
    [JSON.stringify(rows)],
  );
}

/** Lines with other values; what the file does not have comes at its end. */
function changeSettings(text: string, settings: Readonly<Record<string, string | number>>): string {
  const seen = new Set<string>();
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const name = line.split('=')[0] ?? '';
      const value = settings[name];
      if (value === undefined) return line;
      seen.add(name);
      return `${name}=${value}`;
    });
  const added = Object.entries(settings).flatMap(([name, value]) => (seen.has(name) ? [] : [`${name}=${value}`]));
  return `${[...lines, '', '# On this host', ...added].join('\n')}\n`;
}

/** The example's file, with what is a container's there found on this host. Without `web` nothing is asked over HTTP. */
function configure(text: string, repository: string, web: string | undefined): string {
  const document = parseDocument(text);
  const command = (run: string): object => ({ run: `sh application.sh ${run}` });
  // One repository, of the demo's own: nothing of it goes anywhere else, and nobody gets mail.
  document.set('repositories', document.createNode({ local: { url: repository } }));
  document.delete('notify');
  document.setIn(['components', 'database'], document.createNode({ postgres: { url: '${DATABASE_URL}', roles: true } }));
  document.setIn(['components', 'uploads'], document.createNode({ files: './uploads' }));
  document.setIn(['components', 'config', 'config', 'files'], document.createNode(['.env', 'docker-compose.yml']));
  const rows = { sql: 'select count(*) > 0 from timesheets' };
  document.set(
    'recovery',
    document.createNode(
      web === undefined
        ? { after: [command('migrate')], smoke: [rows, command('check')] }
        : {
            after: [command('migrate'), command('start')],
            health: { url: `${web}/health`, within: '1m' },
            smoke: [rows, { http: `${web}/`, contains: 'Timesheets' }, command('check')],
          },
    ),
  );
  return document.toString();
}
