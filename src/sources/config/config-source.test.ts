/** Configuration files saved whole or as templates, and templates put back without harm. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { captureToFiles, collectingContext } from '../../../test/harness/postgres/captured-files.ts';
import { createConfigSource } from './config-source.ts';
import { fingerprintConfig } from './fingerprint-config.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
  mkdirSync(join(folder, 'app/conf.d'), { recursive: true });
  write('app/.env', '# settings\nDB_PASSWORD=geheim-1\nDB_PORT=5432\n', 0o600);
  write('app/docker-compose.yml', 'services: { db: { environment: { POSTGRES_PASSWORD: geheim-1 } } }\n');
  write('app/conf.d/.hidden.conf', 'x 1\n');
  write('app/conf.d/nginx.conf', 'listen 80;\n');
  write('elsewhere.ini', 'password = geheim-2\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | Buffer, mode = 0o644): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

function source(secrets: 'encrypted' | 'template', ...files: string[]) {
  return createConfigSource({ component: 'config', folder: join(folder, 'app'), files, secrets });
}

const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

test('encrypted: the files as they are, with what links lead to; names and patterns', async () => {
  symlinkSync('../elsewhere.ini', join(folder, 'app/link.ini'));
  const context = collectingContext();
  const capture = await source('encrypted', '.e*', 'conf.d/{.h*,*}', 'link.ini', 'absent.yml', 'no-*.match').capture(context);
  expect(capture).toEqual({
    shape: 'tree',
    roots: [
      ...['.env', 'conf.d/.hidden.conf', 'conf.d/nginx.conf', 'link.ini'].map((name) => join(folder, 'app', name)),
      join(folder, 'elsewhere.ini'),
    ],
    select: {},
  });
  expect(context.collected).toEqual([
    { type: 'problem', path: join(folder, 'app/absent.yml'), reason: 'it does not exist' },
    { type: 'notice', message: expect.stringContaining('no-*.match') as string },
  ]);
  for (const secrets of ['encrypted', 'template'] as const)
    await expect(source(secrets, 'absent', '*.none').capture(collectingContext())).rejects.toMatchObject({ code: 'config-files-missing' });
});

test('templates: no secret in any byte of the capture, the rest as it was; binary files are a problem', async () => {
  write('app/logo.png', Buffer.from([1, 2, 0, 3]));
  write('app/latin.conf', Buffer.from([0x23, 0xe4, 0x0a, ...Buffer.from('password x\n')]));
  const its = source('template', '.env', '*.yml', 'conf.d', 'logo.png', 'latin.conf', '../elsewhere.ini');
  const captured = await captureToFiles(its);
  try {
    const names: string[] = [];
    let all = '';
    for await (const { path } of captured.list()) {
      names.push(path);
      all += readFileSync(join(captured.folder, path), 'latin1');
    }
    expect(names.toSorted()).toEqual(
      [
        `/config/@outside${folder}/elsewhere.ini`,
        ...['.env', 'conf.d/.hidden.conf', 'conf.d/nginx.conf', 'docker-compose.yml', 'latin.conf'].map((name) => `/config/${name}`),
        '/holdfast-config.json',
      ].toSorted(),
    );
    expect(all).not.toContain('geheim');
    expect(readFileSync(join(captured.folder, 'config/.env'), 'utf8')).toMatch(
      /^# A template made by holdfast: 1 value is left out[^\n]*\n# settings\nDB_PASSWORD=__REDACTED__\nDB_PORT=5432\n$/,
    );
    expect(readFileSync(join(captured.folder, 'config/conf.d/nginx.conf'), 'utf8')).toBe('listen 80;\n');
    expect([...readFileSync(join(captured.folder, 'config/latin.conf'))]).toContain(0xe4);
    expect(captured.events).toContainEqual({
      type: 'problem',
      path: join(folder, 'app/logo.png'),
      reason: expect.stringContaining('binary') as string,
    });
    expect((await its.describe()).facts).toMatchObject({ files: 7, blanked: 4, refused: 1, missing: 0, secrets: 'template' });
  } finally {
    await captured.remove();
  }
});

test('templates come back beside what is there, or as the file where nothing is; modes are kept', async () => {
  const its = source('template', '.env', 'docker-compose.yml', 'conf.d/nginx.conf', '../elsewhere.ini');
  const captured = await captureToFiles(its);
  try {
    rmSync(join(folder, 'app/docker-compose.yml'));
    write('app/.env', 'DB_PASSWORD=mine\n', 0o644);
    const context = collectingContext();
    const outcome = await its.restore(captured, {}, context);
    expect(read('app/.env')).toBe('DB_PASSWORD=mine\n');
    expect(read('app/.env.template')).toContain('DB_PASSWORD=__REDACTED__');
    expect(statSync(join(folder, 'app/.env.template')).mode & 0o777).toBe(0o600);
    expect(read('app/docker-compose.yml')).toContain('POSTGRES_PASSWORD: __REDACTED__');
    expect(existsSync(join(folder, 'app/conf.d/nginx.conf.template'))).toBe(false);
    expect(existsSync(join(folder, 'app/@outside', folder, 'elsewhere.ini'))).toBe(true);
    expect(outcome.facts).toMatchObject({ files: 4, written: 2, templates: 1, missing: 2 });
    expect(context.collected).toContainEqual({
      type: 'notice',
      message: expect.stringContaining('needs values for: services.db.environment.POSTGRES_PASSWORD') as string,
    });

    const target = join(folder, 'new');
    await its.restore(captured, { folder: target, values: { DB_PASSWORD: 'p w', POSTGRES_PASSWORD: 'p w' } }, collectingContext());
    expect(read('new/.env')).toBe("# settings\nDB_PASSWORD='p w'\nDB_PORT=5432\n");
    expect(statSync(join(target, '.env')).mode & 0o777).toBe(0o600);
    expect(read('new/docker-compose.yml')).toBe('services: { db: { environment: { POSTGRES_PASSWORD: "p w" } } }\n');
  } finally {
    await captured.remove();
  }
});

test('a hostile capture writes nothing elsewhere', async () => {
  const its = source('template', '.env');
  const captured = await captureToFiles(its);
  try {
    const manifest = join(captured.folder, 'holdfast-config.json');
    const good = readFileSync(manifest, 'utf8');
    for (const name of ['../../evil', '/evil', 'a//b', './x']) {
      writeFileSync(manifest, good.replace('".env"', JSON.stringify(name)));
      await expect(its.restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'hostile' });
    }
    writeFileSync(manifest, good.replace('".env"', '"out/.env"'));
    mkdirSync(join(captured.folder, 'config/out'));
    writeFileSync(join(captured.folder, 'config/out/.env'), 'x');
    mkdirSync(join(folder, 'victim'));
    symlinkSync(join(folder, 'victim'), join(folder, 'app/out'));
    await expect(its.restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'hostile' });
    expect(existsSync(join(folder, 'victim/.env'))).toBe(false);
    writeFileSync(manifest, '{');
    await expect(its.restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'damaged' });
    rmSync(manifest);
    await expect(its.restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'config-capture-missing' });
  } finally {
    await captured.remove();
  }
});

test('the fingerprint changes with a name, a mode, a content or a missing file, and with nothing else', async () => {
  const request = { folder: join(folder, 'app'), files: ['.env', 'conf.d', '*.yml', 'absent'] };
  const first = await fingerprintConfig(request);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  write('app/unrelated', 'x');
  write('app/.env', read('app/.env'), 0o600);
  expect(await fingerprintConfig({ ...request, files: request.files.toReversed() })).toBe(first);
  const changes: (() => void)[] = [
    () => chmodSync(join(folder, 'app/.env'), 0o640),
    () => void write('app/.env', 'DB_PASSWORD=geheim-1\n', 0o640),
    () => void write('app/conf.d/more', ''),
    () => void write('app/absent', ''),
    () => rmSync(join(folder, 'app/docker-compose.yml')),
  ];
  const seen = new Set([first]);
  for (const change of changes) {
    change();
    seen.add(await fingerprintConfig(request));
  }
  expect(seen.size).toBe(changes.length + 1);
});
