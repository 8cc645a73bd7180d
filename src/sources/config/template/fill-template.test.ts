/** What a template left out comes back from an older file or from variables, and what does not is named. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { runSubprocess } from '../../../util/subprocess.ts';
import { addTemplateNotice, blankSecrets } from './blank-secrets.ts';
import { chooseDialect } from './choose-dialect.ts';
import { fillTemplate } from './fill-template.ts';

function makeTemplate(path: string, text: string): string {
  const dialect = chooseDialect(path);
  const { text: blanked, blanked: count } = blankSecrets(text, dialect);
  return addTemplateNotice(blanked, dialect, count);
}

const files: Record<string, string> = {
  '.env': '# db\r\nexport DB_PASSWORD=\'a b\'\r\nDB_PORT=5432\r\nKEY="line\r\nline" # two\r\nURL=redis://:pw@h/0\r\nDB_PASSWORD=again\r\n',
  'compose.yml':
    'services:\n  a:\n    environment:\n      - PASSWORD=x y\n      - B=2\n  b:\n    environment: { PASSWORD: "z", N: ~ }\n    jwt_secret: |\n      one\n      two\n',
  'a.json': '{ "password": "x\\"y", "pin": 12, "a": { "token": null, "password": "2" } }',
  'a.ini': '[a]\npassword = "x" ; c\n[b]\npassword = y\n',
};

test('from the file itself, a template becomes that file again', () => {
  for (const [path, text] of Object.entries(files)) {
    const template = makeTemplate(path, text);
    expect(template, path).not.toBe(text);
    const filled = fillTemplate({ path, text: template }, { existing: text });
    expect(filled, path).toMatchObject({ text, missing: [] });
    expect(filled.filled).toBeGreaterThan(1);
  }
});

test('from variables, and what is missing is named', () => {
  const template = makeTemplate('.env', files['.env'] ?? '');
  const filled = fillTemplate({ path: '.env', text: template }, { environment: { DB_PASSWORD: 'new one', URL: undefined } });
  expect(filled).toMatchObject({ filled: 2, missing: ['KEY', 'URL'] });
  expect(filled.text).toContain("export DB_PASSWORD='new one'\r\n");
  const yaml = fillTemplate(
    { path: 'compose.yml', text: makeTemplate('compose.yml', files['compose.yml'] ?? '') },
    { environment: { PASSWORD: 'p: "q' } },
  );
  expect(yaml.missing).toEqual(['services.a.environment.PASSWORD', 'services.b.jwt_secret']);
  expect(parseYaml(yaml.text)).toMatchObject({ services: { b: { environment: { PASSWORD: 'p: "q' } } } });
  expect(fillTemplate({ path: 'x', text: '=> https://u:__REDACTED__@h\n' }, {}).missing).toEqual(['line 1']);
});

test('a shell reads what was filled in', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: fc.constantFrom(...'aZ9 \'"\\$`#=!;&|\t~'), minLength: 1, maxLength: 12 }), async (value) => {
      const { text, missing } = fillTemplate(
        { path: '.env', text: makeTemplate('.env', 'PASSWORD=x\n') },
        { environment: { PASSWORD: value } },
      );
      expect(missing).toEqual([]);
      const shell = await runSubprocess({ file: '/bin/sh', args: ['-c', `${text}\nprintf %s "$PASSWORD"`], env: {} });
      expect(shell.stdout.toString('utf8')).toBe(value);
    }),
    { numRuns: 100 },
  );
});
