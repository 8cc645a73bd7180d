import { join } from 'node:path';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { serverVersions } from '../../../test/harness/postgres/server-versions.ts';
import { startDetached, stopDetached } from '../../sources/postgres/recovery/server-control.ts';
import { settleOwner } from '../../sources/postgres/recovery/server-user.ts';
import { planMoment } from './plan-moment.ts';
import { recoverBeside } from './recover-beside.ts';
import { startSavedServer, type SavedServer } from './testing/saved-server.ts';

let saved: SavedServer | undefined;

afterEach(async () => {
  await saved?.stop();
  saved = undefined;
});

const clients = 4;
const accounts = 500;

/** Transfers between accounts, each written down; the numbers of those that the server has confirmed. */
class Load {
  readonly confirmed: number[] = [];
  readonly #url: string;
  #running: Promise<void>[] = [];
  #ending = false;

  constructor(url: string) {
    this.#url = url;
  }

  start(): void {
    this.#running = Array.from({ length: clients }, (_, client) => this.#run(client));
  }

  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#running);
  }

  async #run(client: number): Promise<void> {
    const session = new pg.Client(this.#url);
    await session.connect();
    for (let turn = 0; !this.#ending; turn += 1) {
      const [id, account, delta] = [turn * clients + client, (turn * 7 + client * 31) % accounts, (turn % 200) - 100];
      await session.query('BEGIN');
      await session.query('UPDATE accounts SET balance = balance + $2 WHERE id = $1', [account, delta]);
      await session.query('INSERT INTO history VALUES ($1, $2)', [id, delta]);
      await session.query('COMMIT');
      this.confirmed.push(id);
    }
    await session.end();
  }
}

test.each(serverVersions)(
  'PostgreSQL %i: a table dropped under load is there again as of the moment before, with every confirmed transaction',
  async (version) => {
    saved = await startSavedServer({ version });
    const { cluster, repository, context, room } = saved;
    await cluster.query(
      `CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL); CREATE TABLE history (id int PRIMARY KEY, delta int NOT NULL)`,
    );
    await cluster.query(`INSERT INTO accounts SELECT i, 0 FROM generate_series(0, ${accounts - 1}) i`);
    const load = new Load(cluster.url('postgres'));
    load.start();
    await saved.takeBase();
    await cluster.query('SELECT pg_sleep(1)');
    await saved.takeBase();
    await cluster.query('SELECT pg_sleep(1)');
    const confirmed = [...load.confirmed];
    const moment = await saved.now();
    await cluster.query('SELECT pg_sleep(1)');
    await load.end();
    await cluster.query('DROP TABLE history');
    await saved.settle();
    const plan = await planMoment(repository, { target: { kind: 'time', time: moment }, point: { name: 'latest' } }, context);
    expect(plan.base.manifest.major).toBe(version);
    const target = join(room, 'recovered');
    const [extension] = await cluster.query("SELECT FROM pg_available_extensions WHERE name = 'amcheck'");
    const amcheck = extension !== undefined;
    const request = { target, pause: false, amcheck, tablespaces: new Map(), programs: cluster.toolsFolder, superusers: ['postgres'] };
    const report = await recoverBeside(repository, plan, request, context);
    expect(report.outcome).toMatchObject({ state: 'promoted', timeline: 2 });
    if (amcheck) expect(report.check).toMatchObject({ faults: [] });
    const control = { programs: cluster.toolsFolder, dataDirectory: target, user: await settleOwner(target, []) };
    await startDetached(control);
    try {
      const client = new pg.Client({ host: target, port: 5432, user: 'postgres', database: 'postgres', password: cluster.password });
      await client.connect();
      const { rows } = await client.query<{ id: number; delta: number }>('SELECT id, delta FROM history');
      const { rows: sums } = await client.query<{ sum: number }>('SELECT sum(balance)::int AS sum FROM accounts');
      await client.end();
      const there = new Set(rows.map(({ id }) => id));
      expect(confirmed.length).toBeGreaterThan(10);
      expect(confirmed.filter((id) => !there.has(id))).toEqual([]);
      expect(there.size).toBeLessThan(load.confirmed.length);
      expect(sums).toEqual([{ sum: rows.reduce((sum, { delta }) => sum + delta, 0) }]);
    } finally {
      await stopDetached(control);
    }
  },
  180_000,
);
