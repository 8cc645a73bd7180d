/** What is a secret never stays, whatever the dialect; what is a key, a comment or a way of writing always does. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { addTemplateNotice, blankSecrets, removeTemplateNotice } from './blank-secrets.ts';
import { chooseDialect } from './choose-dialect.ts';

const blank = (path: string, text: string): string => blankSecrets(text, chooseDialect(path)).text;
const M = '__REDACTED__';

test('environment files: every dialect, and only harmless values stay', () => {
  const text = [
    '\uFEFF# database',
    'DB_HOST=db.internal.example.org',
    'DB_PORT=5432',
    "export DB_PASSWORD='it''s # here'",
    'API_KEY = "a \\"quoted\\" value" # rotate yearly',
    'EMPTY=',
    'DEBUG=false',
    'TZ=Europe/Berlin',
    'LANG=en_US.UTF-8',
    'LOG_LEVEL=info',
    'NODE_ENV=production',
    'PIN=12345',
    'REF=${OTHER}',
    'DEFAULTED=${OTHER:-hunter2}',
    'PRIVATE_KEY="-----BEGIN RSA PRIVATE KEY-----',
    'MIIEpAIBAAKCAQEA',
    'AFTER=',
    '-----END RSA PRIVATE KEY-----"',
    'OPEN="never closed',
    'NEXT="fine"',
    'YAML_STYLE: something',
    '# OLD_PASSWORD=previous one',
    'BARE_NAME',
    'BACKTICK=`two',
    'lines` # behind',
    'URL=postgres://u:p@h/db#frag # comment',
  ].join('\r\n');
  expect(blank('.env', text)).toBe(
    [
      '\uFEFF# database',
      `DB_HOST=${M}`,
      'DB_PORT=5432',
      `export DB_PASSWORD='${M}'`,
      `API_KEY = "${M}" # rotate yearly`,
      'EMPTY=',
      'DEBUG=false',
      'TZ=Europe/Berlin',
      'LANG=en_US.UTF-8',
      'LOG_LEVEL=info',
      'NODE_ENV=production',
      `PIN=${M}`,
      'REF=${OTHER}',
      `DEFAULTED=${M}`,
      `PRIVATE_KEY="${M}"`,
      `OPEN=${M}`,
      `NEXT="${M}"`,
      `YAML_STYLE: ${M}`,
      `# OLD_PASSWORD=${M}`,
      'BARE_NAME',
      `BACKTICK=\`${M}\` # behind`,
      `URL=${M} # comment`,
    ].join('\r\n'),
  );
});

test('compose files: variables as map and list, flags of commands, URLs within text; names of secrets and digests stay', () => {
  const text = `# the stack
services:
  db:
    image: postgres:16@sha256:1111111111111111111111111111111111111111111111111111111111111111
    environment:
      POSTGRES_DB: timesheet   # the name
      POSTGRES_PASSWORD: 'geheim'
      POSTGRES_PASSWORD_FILE: /run/secrets/db
      TZ: UTC
    ports: ["5432:5432"]
    secrets: [db_password]
  cache:
    command: redis-server --requirepass s3cr3t --appendonly yes
    healthcheck: { test: ["CMD", "redis-cli", "--pass", "s3cr3t", "ping"] }
    environment:
      - REDIS_URL=redis://:pw@cache:6379
      - "DEBUG=true"
      - FROM_HOST
      - 'TOKEN=abc def'
  web:
    labels: { note: "uses https://x:y@example.org/?a=1&token=zzz for now" }
    entrypoint: |
      set -e
      export SECRET_KEY=topsecret
      run --password=hunter2
    jwt_secret: |
      first
      second
    api_key: 12345
secrets:
  db_password:
    file: ./db_password.txt
`;
  const result = blank('docker-compose.yml', text);
  expect(result).toBe(`# the stack
services:
  db:
    image: postgres:16@sha256:1111111111111111111111111111111111111111111111111111111111111111
    environment:
      POSTGRES_DB: ${M}   # the name
      POSTGRES_PASSWORD: '${M}'
      POSTGRES_PASSWORD_FILE: ${M}
      TZ: UTC
    ports: ["5432:5432"]
    secrets: [db_password]
  cache:
    command: redis-server --requirepass ${M} --appendonly yes
    healthcheck: { test: ["CMD", "redis-cli", "--pass", "${M}", "ping"] }
    environment:
      - REDIS_URL=${M}
      - "DEBUG=true"
      - FROM_HOST
      - 'TOKEN=${M}'
  web:
    labels: { note: "uses https://x:${M}@example.org/?a=1&token=${M} for now" }
    entrypoint: |
      set -e
      export SECRET_KEY=${M}
      run --password=${M}
    jwt_secret: |
      ${M}
    api_key: ${M}
secrets:
  db_password:
    file: ./db_password.txt
`);
  expect(parseYaml(result)).toMatchObject({ services: { web: { jwt_secret: `${M}\n` } } });
});

test('JSON stays JSON; Kubernetes secrets and lists of names and values are blanked', () => {
  const json = '{\n\t"host": "db",\n\t"password": "x",\n\t"pin": 1234,\n\t"tokens": ["a", "b"],\n\t"port": 5432\n}\r\n';
  expect(blank('settings.json', json)).toBe(
    `{\n\t"host": "db",\n\t"password": "${M}",\n\t"pin": "${M}",\n\t"tokens": ["${M}", "${M}"],\n\t"port": 5432\n}\r\n`,
  );
  const kubernetes =
    'kind: Secret\ndata:\n  user: YWRtaW4=\n---\nkind: Pod\nspec:\n  env:\n    - name: DB_PASS\n      value: abc\n    - name: MODE\n      value: production\n';
  expect(blank('k8s.yaml', kubernetes)).toBe(
    `kind: Secret\ndata:\n  user: ${M}\n---\nkind: Pod\nspec:\n  env:\n    - name: DB_PASS\n      value: ${M}\n    - name: MODE\n      value: production\n`,
  );
});

test('files of lines: redis.conf, postgresql.conf, nginx, INI, properties, code, password lists', () => {
  const cases: [string, string, string][] = [
    [
      'redis.conf',
      'port 6379\nrequirepass foo bar\nuser app on >pw1 ~* +@all\n# requirepass old\n',
      `port 6379\nrequirepass ${M}\nuser ${M}\n# requirepass ${M}\n`,
    ],
    [
      'postgresql.conf',
      "port = 5432 # standard\nprimary_conninfo = 'host=a user=b password=c d'\nssl_key_file = '/etc/ssl/key.pem'\n",
      `port = 5432 # standard\nprimary_conninfo = '${M}'\nssl_key_file = '/etc/ssl/key.pem'\n`,
    ],
    [
      'nginx.conf',
      'server {\n  listen 443 ssl;\n  ssl_certificate_key /etc/ssl/site.key;\n  proxy_set_header Authorization "Basic YWRtaW46c2VjcmV0";\n  set $api_token "abc";\n}\n',
      `server {\n  listen 443 ssl;\n  ssl_certificate_key /etc/ssl/site.key;\n  proxy_set_header Authorization "Basic ${M}";\n  set $api_token "${M}";\n}\n`,
    ],
    ['app.ini', '[db]\nhost = x ; where\npassword = "a;b" ; secret\n', `[db]\nhost = x ; where\npassword = "${M}" ; secret\n`],
    [
      'a.properties',
      'db.password=abc\\\n  def\ndb.url=jdbc:x://h/d?user=u&password=p\nother: 1',
      `db.password=${M}\\\n  ${M}\ndb.url=jdbc:x://h/d?user=u&password=${M}\nother: 1`,
    ],
    ['config.py', "SECRET_KEY = 'dev'\nURI = 'postgresql://u:p@h/d'\n", `SECRET_KEY = '${M}'\nURI = 'postgresql://u:${M}@h/d'\n`],
    ['.pgpass', '# h\ndb:5432:app:user:pa\\:ss\n', `# h\ndb:5432:app:user:${M}\n`],
    ['.netrc', 'machine h login u password p\n', `machine h login u password ${M}\n`],
    ['.htpasswd', 'ann:$apr1$abc$def\n', `ann:${M}\n`],
    ['x.xml', '<conf>\n  <dbPassword>geheim</dbPassword>\n</conf>\n', `<conf>\n  <dbPassword>${M}</dbPassword>\n</conf>\n`],
    [
      'key.txt',
      'a\n-----BEGIN PRIVATE KEY-----\nAAAA\nBB=\n-----END PRIVATE KEY-----\nb',
      `a\n-----BEGIN PRIVATE KEY-----\n${M}\n-----END PRIVATE KEY-----\nb`,
    ],
  ];
  for (const [path, text, expected] of cases) expect(blank(path, text), path).toBe(expected);
});

/* Built from parts, so that no scanner takes this file for a leak. */
const shapes = [
  ['AK', 'IAIOSFODNN7EXAMPLE'],
  ['gh', 'p_16C7e42F292c6912E7710c838347Ae178B4a'],
  ['xo', 'xb-263594206564-FGqddMF8t08v8N7Oq4i57vs1'],
  ['sk', '_live_26PHem9AhJZvU623DfE1x4sd'],
  ['ey', 'JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk'],
  ['wJalrXUtnFEMI/K7MDENG', '/bPxRfiCYEXAMPLEKEY'],
  ['3f786850e387550f', 'dab836ed7e6dc881de23001b'],
].map((parts) => parts.join(''));

test('shapes of well-known secrets go, wherever they stand', () => {
  for (const secret of shapes) {
    for (const [path, text] of [
      ['a.yml', `x: 1\nnote: it is ${secret} today\n# or ${secret}\n`],
      ['a.json', JSON.stringify({ note: [`it is ${secret}`] })],
      ['a.conf', `note it is ${secret};\n# or ${secret}\n`],
      ['notes', `it is ${secret}, really\n`],
    ] as const)
      expect(blank(path, text), path).not.toContain(secret);
  }
});

const secret = fc.oneof(
  fc
    .tuple(fc.nat(), fc.integer({ min: 24, max: 44 }))
    .map(([seed, length]) => createHash('sha256').update(String(seed)).digest('base64').slice(0, length))
    .filter((text) => /\d/.test(text)),
  fc.nat().map((seed) => createHash('md5').update(String(seed)).digest('hex')),
  fc.constantFrom(...shapes),
);
/** Whatever somebody types as a password. */
const password = fc
  .string({ unit: fc.constantFrom(...'abcXYZ0189!$%^&*()_+-=[]{}|;:,.<>?/~@# '), minLength: 6, maxLength: 24 })
  .filter((text) => /^\S.*\S$/.test(text) && /[a-zA-Z0-9]{2}/.test(text) && !/ #| ;|^[#;>|&*!%@`[{-]|: |^\$|\$\{|\\/.test(text));
const key = fc
  .tuple(fc.constantFrom('APP', 'db', 'Mail'), fc.constantFrom('PASSWORD', 'secret_key', 'API-TOKEN', 'dsn'))
  .map((parts) => parts.join('_'));
const plainKey = fc.constantFrom('NAME', 'APP_TITLE', 'host', 'SomeThing');
const eol = fc.constantFrom('\n', '\r\n');

test('property: in environment files no value of any kind stays, and every key and comment does', () => {
  const line = fc.record({
    key: fc.oneof(
      key.map((name) => name.replaceAll('-', '_')),
      plainKey,
    ),
    value: fc.oneof(secret, password),
    style: fc.nat(7),
  });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), eol, fc.boolean(), (lines, end, bom) => {
      const written = lines.map(({ key: name, value, style }, index) => {
        const noQuote = value.replaceAll(/['"`#]/g, 'q');
        const comment = `remark ${index} about it`;
        const unquoted = `${name}=${noQuote}`;
        const all = [
          unquoted,
          `export ${unquoted} # ${comment}`,
          `${name} = "${noQuote}"`,
          `${name}='${noQuote}' # ${comment}`,
          `${name}="${noQuote}${end}${noQuote}"`,
          `${name}: ${noQuote}`,
          `# ${comment}${end}${name}=\`${noQuote}\``,
          `#${unquoted}`,
        ];
        return { text: all[style] ?? unquoted, secret: noQuote, key: name, comment };
      });
      const text = (bom ? '\uFEFF' : '') + written.map((each) => each.text).join(end) + end;
      const result = blank('.env', text);
      for (const each of written) {
        expect(result).not.toContain(each.secret);
        expect(result).toContain(each.key);
        if (each.text.includes(each.comment)) expect(result).toContain(each.comment);
      }
      expect(result.match(/\r\n/g)?.length ?? 0).toBe(
        (text.match(/\r\n/g)?.length ?? 0) - (end === '\r\n' ? lines.filter(({ style }) => style === 4).length : 0),
      );
    }),
    { numRuns: 400 },
  );
});

test('property: in every other dialect no secret stays, under a telling name or by its looks', () => {
  const dialects: Record<string, (name: string, value: string, end: string) => string> = {
    'a.yml': (name, value, end) => `top:${end}  ${name}: ${JSON.stringify(value)} # remark${end}  other: 1${end}`,
    'b.yaml': (name, value, end) => `- ${name}: '${value.replaceAll("'", '')}'${end}- x: [a, b] # remark${end}`,
    'block.yaml': (name, value, end) => `${name}: |-${end}  ${value}${end}  ${value}${end}# remark${end}x: 1${end}`,
    'compose.yml': (name, value, end) =>
      `services:${end}  a:${end}    environment:${end}      - "${name.replaceAll('-', '_')}=${value.replaceAll(/["\\]/g, '')}"${end}# remark${end}`,
    'a.json': (name, value, end) => `{${end}  "a": {"${name}": ${JSON.stringify(value)}}, "remark": 1${end}}`,
    'a.ini': (name, value, end) => `; remark${end}[s]${end}${name} = ${value}${end}x=1${end}`,
    'a.conf': (name, value, end) => `# remark${end}${name} "${value.replaceAll('"', '')}";${end}x 1;${end}`,
    'a.properties': (name, value, end) => `! remark${end}${name}=${value}${end}x=1${end}`,
    'notes.txt': (name, value, end) => `remark${end}${name}: ${value}${end}`,
  };
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(dialects)), key, fc.oneof(secret, password), eol, (path, name, value, end) => {
      const text = dialects[path]?.(name, value, end) ?? '';
      const result = blank(path, text);
      expect(result).not.toContain(value);
      expect(result).toContain('remark');
      expect(result).toContain(path === 'compose.yml' ? name.replaceAll('-', '_') : name);
      expect(result).toContain(M);
    }),
    { numRuns: 800 },
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(dialects)), secret, eol, (path, value, end) => {
      expect(blank(path, dialects[path]?.('title', value, end) ?? '')).not.toContain(value);
      expect(blank(path, dialects[path]?.('title', `https://u:${value}@host/`, end) ?? '')).not.toContain(value);
      expect(blank(path, dialects[path]?.('title', `x ${value} y`, end) ?? '')).not.toContain(value);
    }),
    { numRuns: 400 },
  );
});

test('property: any text at all is taken, blanked once and for all, and the notice comes off again', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('.env', 'a.yml', 'a.json', 'a.ini', 'x', '.pgpass'),
      fc.string({ unit: fc.constantFrom(...'aK=:"\'#\n\r \\-[]{}|,0`$@/'), maxLength: 60 }),
      (path, text) => {
        const dialect = chooseDialect(path);
        const once = blankSecrets(text, dialect);
        expect(blankSecrets(once.text, dialect).text).toBe(once.text);
        if (once.blanked === 0) expect(once.text).toBe(text);
        expect(removeTemplateNotice(addTemplateNotice(once.text, dialect, once.blanked))).toBe(once.text);
      },
    ),
    { numRuns: 3000 },
  );
});

test('sentences and settings that only look like secrets stay; settings that are commented out do not', () => {
  const text = [
    '# It is flagged as requiring no password: it means that every password works.',
    '# The requirepass is not compatible with it. Classes are identified by a character.',
    '#DefaultStartLimitIntervalSec=10s',
    '#HandleLidSwitchExternalPower=suspend',
    'DefaultStartLimitIntervalSec=10s',
    'secret = # none',
    'include /usr/share/nginx/modules/mod-http-image-filter.conf;',
    'url = https://files.example.org:8080/path/to/some-long-file-name.tar.gz',
  ].join('\n');
  expect(blank('a.conf', text)).toBe(text);
  expect(blank('a.conf', '# requirepass foobared\n# password: hunter2\n# api_token = abc def\n# token: "a b"\n')).toBe(
    `# requirepass ${M}\n# password: ${M}\n# api_token = ${M} def\n# token: "${M}"\n`,
  );
});

test('a secret of one place goes in the others too, and harmless files stay to the byte', () => {
  const text = 'password: Tr0ub4dor-and-3\n# it was Tr0ub4dor-and-3 before\nnote: see Tr0ub4dor-and-3\n';
  expect(blank('a.yml', text)).toBe(`password: ${M}\n# it was ${M} before\nnote: see ${M}\n`);
  const { secrets } = blankSecrets('DB_PASSWORD=Tr0ub4dor-and-3\n', chooseDialect('.env'));
  expect(blankSecrets('proxy_pass http://h/Tr0ub4dor-and-3;\n', chooseDialect('n.conf'), secrets).text).not.toContain('Tr0ub4dor');
  const harmless =
    'worker_processes auto;\r\nhttp {\r\n  include /etc/nginx/mime.types; # all of them\r\n  server_name www.example.org;\r\n}\r\n';
  expect(blankSecrets(harmless, chooseDialect('nginx.conf'))).toMatchObject({ text: harmless, blanked: 0 });
});

test('long lines of anything take no longer than they should', () => {
  for (const piece of [
    'a',
    'a.',
    'A1b/',
    '=',
    ':',
    '"',
    "'",
    'password',
    '-----BEGIN A-----',
    'x://y:',
    '?key',
    '\\',
    ' #',
    '{"a":',
    'a: "\n',
    '\n\n',
  ]) {
    const text = piece.repeat(30_000 / piece.length);
    for (const path of ['.env', 'a.yml', 'a.conf', 'x', '.pgpass']) expect(typeof blank(path, `x=${text}\n${text}`)).toBe('string');
  }
});
