/** What a night must not be stopped by in silence: passwords, keys, servers, certificates, rights and locks. */
import { execFileSync } from 'node:child_process';
import { appendFile, chmod, chown, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeLock } from '../../../src/engine/lock/lock-file.ts';
import { openRepository } from '../../../src/engine/repository.ts';
import { password } from '../../../src/cli/testing/run-holdfast.ts';
import { createLocalStorage } from '../../../src/storage/local/local-storage.ts';
import { freePort } from '../../harness/programs/free-port.ts';
import { startOwnRestServer, type OwnRestServer } from '../../harness/stores/own-rest-server.ts';
import { makeCertificate } from '../../harness/watch/make-certificate.ts';
import type { Plant } from './plant.ts';
import { databasePassword } from './sabotage-data.ts';
import { nobody, type SabotageSystem } from './sabotage-system.ts';

/** Servers that a plant started, for the test to stop. */
export const started: OwnRestServer[] = [];

export const accessPlants: readonly Plant[] = [
  {
    name: 'The password of the database was changed',
    plant: async ({ cluster }) => void (await cluster.query("ALTER ROLE app PASSWORD 'rotated-by-somebody'")),
    expect: { event: 'failure', severity: 'critical', text: /database.*password authentication failed/ },
    mend: async ({ cluster }) => void (await cluster.query(`ALTER ROLE app PASSWORD '${databasePassword}'`)),
  },
  {
    name: 'pg_hba.conf lets the backup in no more',
    plant: (system) => changeRules(system, (rules) => `host all app all reject\n${rules}`),
    expect: { event: 'failure', severity: 'critical', text: /database.*pg_hba/ },
    mend: (system) => changeRules(system, (rules) => rules.replace('host all app all reject\n', '')),
  },
  {
    name: 'The database server does not run',
    plant: ({ cluster }) => cluster.halt(),
    expect: { event: 'failure', severity: 'critical', text: /database.*(refused|cannot connect|not running)/i },
    mend: ({ cluster }) => cluster.restart(),
  },
  {
    name: 'The password of the repository is another one',
    plant: () => Promise.resolve({ env: { HOLDFAST_PASSWORD: 'not the password of it' } }),
    expect: { event: 'failure', severity: 'critical', text: /password/ },
    mend: () => Promise.resolve(),
  },
  {
    name: 'The key of the repository is gone',
    plant: (system) => rename(system.path('repository', 'keys'), system.path('keys')),
    expect: { event: 'failure', severity: 'critical', text: /key/ },
    mend: (system) => rename(system.path('keys'), system.path('repository', 'keys')),
  },
  {
    name: 'The credentials of a store are valid no more',
    plant: async (system) => {
      await writeUsers(system, 'somebody-else');
      await serveOffsite(system, { users: system.path('users') });
    },
    expect: { event: 'failure', severity: 'critical', text: /offsite.*does not accept the user and password.*RESTIC_REST_PASSWORD_FILE/ },
    mend: (system) => writeUsers(system, 'shop'),
  },
  {
    name: 'The server of a repository does not answer',
    plant: async (system) => moveOffsite(system, `rest:http://127.0.0.1:${await freePort()}/offsite/`),
    expect: { event: 'failure', severity: 'critical', text: /offsite.*(refused|reach|answer)/i },
  },
  {
    name: 'The certificate of a store has expired',
    plant: async (system) => {
      const { authority, certificate, key } = makeExpiredCertificate(await makeFolder(system, 'certificate'));
      await serveOffsite(system, { tls: { certificate: await readFile(certificate), key: await readFile(key) } });
      return { env: { NODE_EXTRA_CA_CERTS: authority } };
    },
    expect: { event: 'failure', severity: 'critical', text: /offsite.*not trusted \(CERT_HAS_EXPIRED\).*Check the address and the clock/ },
  },
  {
    name: 'Nobody vouches for the certificate of a store',
    plant: async (system) => {
      const { certificate, key } = makeCertificate(await makeFolder(system, 'certificate'));
      await serveOffsite(system, { tls: { certificate: await readFile(certificate), key: await readFile(key) } });
    },
    expect: { event: 'failure', severity: 'critical', text: /offsite.*not trusted/ },
  },
  {
    name: 'The folder of the repository belongs to somebody else',
    plant: async (system) => {
      execFileSync('chown', ['-R', String(nobody), system.folder]);
      await chown(system.path('repository'), 0, 0);
      await chmod(system.path('repository'), 0o700);
      return { isNobody: true };
    },
    expect: { event: 'failure', severity: 'critical', text: /repository.*(permission|EACCES|not allowed)/i },
    mend: (system) => chown(system.path('repository'), nobody, nobody),
  },
  {
    name: 'A machine that is gone has left its lock behind',
    plant: async (system) => {
      const repository = await openRepository(createLocalStorage(system.path('repository')), { password });
      const time = repository.clock.now().getTime() - 3_600_000;
      const holder = { hostname: 'an-old-machine', username: 'backup', pid: 4711, uid: 1000, gid: 1000 };
      await repository.writeFile('lock', encodeLock({ time, exclusive: true, ...holder }));
      await repository.close();
    },
    expect: { event: 'lock', severity: 'warning', text: /an-old-machine.*holdfast unlock/ },
    mend: async (system) => void (await system.run(['unlock', '-r', system.path('repository')])),
  },
  {
    name: 'The Docker engine does not run',
    plant: async (system) => {
      await system.configure((text) => text.replace('\ncomponents:\n', '\ncomponents:\n  volume: { files: { volume: shop-data } }\n'));
      return { env: { DOCKER_HOST: `unix://${system.path('no-engine.sock')}` } };
    },
    expect: { event: 'failure', severity: 'critical', text: /Docker engine.*docker version/ },
    mend: (system) => system.configure((text) => text.replace('  volume: { files: { volume: shop-data } }\n', '')),
  },
  {
    name: 'holdfast.yaml is wrong',
    plant: (system) => system.configure((text) => text.replace('  uploads: {', '  uploads: { fiels')),
    expect: { event: 'failure', severity: 'critical', text: /holdfast\.yaml/ },
    mend: (system) => system.configure((text) => text.replace('{ fiels', '{')),
  },
  {
    name: 'A variable that holdfast.yaml names is not set where cron starts it',
    plant: (system) => system.configure((text) => text.replace('url: ./offsite', "url: '${OFFSITE_FOLDER}'")),
    expect: { event: 'failure', severity: 'critical', text: /OFFSITE_FOLDER/ },
  },
  {
    name: 'A command before the backup fails',
    plant: (system) => hook(system, 'echo the export is broken >&2; exit 7'),
    expect: { event: 'failure', severity: 'critical', text: /status 7|the export is broken/ },
    mend: unhook,
  },
];

/** A command around the whole backup. */
export async function hook(system: SabotageSystem, command: string): Promise<void> {
  await system.configure((text) => text.replace('\ncomponents:\n', `\nhooks: { before: '${command}' }\ncomponents:\n`));
}

export async function unhook(system: SabotageSystem): Promise<void> {
  await system.configure((text) => text.replace(/hooks: \{ before: .*\n/, ''));
}

async function changeRules({ cluster }: SabotageSystem, change: (rules: string) => string): Promise<void> {
  const file = join(cluster.dataFolder, 'pg_hba.conf');
  const rules = change(await readFile(file, 'utf8'));
  await writeFile(file, rules);
  await cluster.query('SELECT pg_reload_conf()');
}

async function writeUsers(system: SabotageSystem, user: string): Promise<void> {
  execFileSync('htpasswd', ['-cbB', system.path('users'), user, 'let-me-in-please'], { stdio: 'ignore' });
  // Read again when it has changed, by its time and size.
  await appendFile(system.path('users'), '\n');
}

type Serving = Omit<Parameters<typeof startOwnRestServer>[0], 'folder'>;

/** The same repository, now behind a server. */
async function serveOffsite(system: SabotageSystem, serving: Serving): Promise<void> {
  const server = await startOwnRestServer({ folder: system.folder, ...serving });
  started.push(server);
  const [scheme, login] = [serving.tls === undefined ? 'http' : 'https', serving.users === undefined ? '' : 'shop:let-me-in-please@'];
  await moveOffsite(system, `rest:${scheme}://${login}127.0.0.1:${server.port}/offsite/`);
}

async function moveOffsite(system: SabotageSystem, url: string): Promise<void> {
  await system.configure((text) => text.replace('offsite: { url: ./offsite', `offsite: { url: '${url}'`));
}

async function makeFolder(system: SabotageSystem, name: string): Promise<string> {
  await mkdir(system.path(name));
  return system.path(name);
}

/** Of the same authority, but of last year. */
function makeExpiredCertificate(folder: string): ReturnType<typeof makeCertificate> {
  const files = makeCertificate(folder);
  const script = `
    : >index.txt
    printf '[ca]\\ndefault_ca=own\\n[own]\\ndatabase=index.txt\\nnew_certs_dir=.\\nserial=own.srl\\ndefault_md=sha256\\npolicy=any\\n[any]\\ncommonName=supplied\\n' >ca.cnf
    openssl ca -batch -config ca.cnf -create_serial -cert ca.pem -keyfile ca-key.pem -extfile extensions -in request.pem -out cert.pem -startdate 20250101000000Z -enddate 20250201000000Z -notext`;
  execFileSync('sh', ['-ec', script], { cwd: folder, stdio: 'pipe' });
  return files;
}
