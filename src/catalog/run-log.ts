/** Runs: begun, ended, asked for. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { SQLInputValue } from 'node:sqlite';
import type { Clock } from '../util/clock.ts';
import { currentUser } from '../util/current-user.ts';
import { readProcessStartNow } from '../util/process-start.ts';
import type { CatalogDatabase } from './catalog-database.ts';
import type { RunBeginning, RunHandle, RunQuery, RunRecord } from './run-record.ts';
import { columnsOf, columnsOfEnd, conditionOf, readRun } from './run-rows.ts';

const usualLimit = 1000;

/** Notes that a run began. It is this process that runs. */
export function beginRun(file: CatalogDatabase, clock: Clock, beginning: RunBeginning): RunHandle {
  const run = {
    id: randomUUID(),
    components: [],
    facts: {},
    began: clock.now(),
    host: hostname(),
    user: currentUser().username,
    pid: process.pid,
    ...beginning,
    status: 'running',
  } as const;
  const columns = { ...columnsOf(run), process: readProcessStartNow(run.pid) };
  file.use((database) => {
    const names = Object.keys(columns);
    const marks = names.map(() => '?').join(', ');
    database.prepare(`INSERT INTO runs (${names.join(', ')}) VALUES (${marks})`).run(...Object.values(columns));
  });
  return {
    id: run.id,
    note: (news) => change(file, run.id, columnsOf(news)),
    end: (result) => change(file, run.id, columnsOfEnd(result, clock.now())),
  };
}

/** What has ended stays as it is. */
function change(file: CatalogDatabase, id: string, columns: Record<string, SQLInputValue>): void {
  const names = Object.keys(columns);
  if (names.length === 0) return;
  file.use((database) => {
    const set = names.map((name) => `${name} = ?`).join(', ');
    database.prepare(`UPDATE runs SET ${set} WHERE id = ? AND status = 'running'`).run(...Object.values(columns), id);
  });
}

/** Runs that fit, the newest first. */
export function findRuns(file: CatalogDatabase, query: RunQuery): RunRecord[] {
  const { where, values } = conditionOf(query);
  const rows = file.use((database) =>
    database.prepare(`SELECT * FROM runs WHERE ${where} ORDER BY began DESC, rowid DESC LIMIT ?`).all(...values, query.limit ?? usualLimit),
  );
  return rows.flatMap((row) => readRun(row) ?? []);
}

/** Runs of this host whose process is gone, marked as interrupted: those that were found now. */
export function markInterrupted(file: CatalogDatabase, clock: Clock): RunRecord[] {
  const rows = file.use((database) => database.prepare("SELECT * FROM runs WHERE status = 'running' AND host = ?").all(hostname()));
  return rows.flatMap((row) => {
    const run = readRun(row);
    if (run === undefined) return [];
    const started = readProcessStartNow(run.pid);
    if (started !== '' && started === row['process']) return [];
    const ended = clock.now();
    change(file, run.id, columnsOfEnd({ status: 'interrupted' }, ended));
    return [{ ...run, status: 'interrupted' as const, ended }];
  });
}
