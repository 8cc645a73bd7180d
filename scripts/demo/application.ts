/** The application that the demo loses and recovers: examples/northstar-timesheet on this host, without Docker. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster } from '../../test/harness/postgres/throwaway-cluster.ts';
import { database, type DemoApplication, runOrThrow } from './demo-application.ts';
import { fillApplication, installApplication } from './install-application.ts';

/** Starts a server, installs the application below `place`, fills it (about 200 000 rows, some 60 MB of uploads), and starts it. */
export async function createApplication(place: string): Promise<DemoApplication> {
  const cluster = await startCluster();
  const runFolder = join(place, 'run');
  const stop = async (): Promise<void> => {
    await stopWeb(runFolder);
    await cluster.stop();
  };
  try {
    const folder = join(place, 'srv/northstar-timesheet');
    await mkdir(folder, { recursive: true });
    const [user, webPort] = ['timesheet', await freePort()];
    const databaseUrl = cluster.url(database, user);
    await cluster.query(`CREATE ROLE ${user} SUPERUSER LOGIN PASSWORD '${cluster.password}'`);
    await cluster.query(`CREATE DATABASE ${database} OWNER ${user}`);
    const environment = cleanEnvironment(cluster.toolsFolder);
    const application = { cluster, folder, databaseUrl, environment, stop };
    const settings = {
      DB_PORT: cluster.port,
      WEB_PORT: webPort,
      POSTGRES_PASSWORD: cluster.password,
      DATABASE_URL: databaseUrl,
      RUN_FOLDER: runFolder,
    };
    const hasWeb = await installApplication(application, settings, join(place, 'backups'));
    await fillApplication(application);
    if (!hasWeb) return application;
    await runOrThrow(application, 'sh', ['application.sh', 'start']);
    const running = { ...application, web: `http://127.0.0.1:${webPort}` };
    await checkHealth(running).catch(async (error: unknown) => {
      const log = await readFile(join(runFolder, 'web.log'), 'utf8').catch(() => '');
      throw new Error(`The application does not run: ${log.trim().split('\n').at(-1) ?? ''}`, { cause: error });
    });
    return running;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The disaster: nothing of the application stays, but a database server with nothing in it. */
export async function destroyApplication({ cluster, folder, web }: DemoApplication): Promise<void> {
  if (web !== undefined) await stopWeb(join(folder, '../../run'));
  await cluster.query(`DROP DATABASE ${database} WITH (FORCE)`);
  await cluster.query('DROP ROLE timesheet_reader');
  await rm(folder, { recursive: true });
}

/** What the application says of itself, or why it says nothing. Never throws. */
export async function askHealth(application: DemoApplication): Promise<string> {
  try {
    return await checkHealth(application);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Its schema and attachments, and where app.py runs, what that answers. Throws where something is not as it must be. */
export async function checkHealth(application: DemoApplication): Promise<string> {
  const { web } = application;
  await runOrThrow(application, 'sh', ['application.sh', 'check']);
  if (web === undefined) return 'schema and attachments are right';
  const answer = await ask(`${web}/health`);
  if (!answer.startsWith('200 ')) throw new Error(`app.py answers ${answer}`);
  return `schema and attachments are right, app.py answers ${answer}`;
}

/** A server that was just started may refuse for a moment. */
async function ask(url: string): Promise<string> {
  for (let tried = 1; ; tried += 1) {
    try {
      const answer = await fetch(url);
      return `${answer.status} ${await answer.text()}`;
    } catch (error) {
      if (tried >= 100) throw error;
      await sleep(100);
    }
  }
}

/** Ends app.py, where it runs, and waits until it is gone. */
export async function stopWeb(runFolder: string): Promise<void> {
  const pid = Number(await readFile(join(runFolder, 'web.pid'), 'utf8').catch(() => ''));
  if (pid <= 0) return;
  for (let waited = 0; waited < 50 && (await runsApplication(pid)); waited += 1) {
    process.kill(pid, waited < 30 ? 'SIGTERM' : 'SIGKILL');
    await sleep(100);
  }
  await rm(join(runFolder, 'web.pid'), { force: true });
}

/** Whether the process is there and is ours: a number may be another's by now. */
async function runsApplication(pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes('app/app.py');
}

function cleanEnvironment(toolsFolder: string): Record<string, string> {
  const foreign = /^(HOLDFAST|RESTIC|PG|DOCKER|COMPOSE|GIT)_?[A-Z]/;
  const own = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || foreign.test(name) ? [] : [[name, value] as const],
  );
  return {
    ...Object.fromEntries(own),
    PATH: `${toolsFolder}:${process.env['PATH'] ?? ''}`,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  return address.port;
}
