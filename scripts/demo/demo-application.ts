/** What the demo's application is, and how programs are run in it. */
import { spawn } from 'node:child_process';
import type { ThrowawayCluster } from '../../test/harness/postgres/throwaway-cluster.ts';

export const database = 'timesheet_db';

export interface DemoApplication {
  readonly cluster: ThrowawayCluster;
  /** Uploads, settings and code: what a disaster takes away. */
  readonly folder: string;
  /** As the superuser that the application is, with the password. */
  readonly databaseUrl: string;
  /** Where its web server answers; absent where this machine cannot run it. */
  readonly web?: string;
  /** Of every program that runs for the demo: nothing of the user's own holdfast, PostgreSQL, Docker or git. */
  readonly environment: Readonly<Record<string, string>>;
  /** Stops the servers and removes the database's files; the folder given at first stays. */
  stop(): Promise<void>;
}

/** Runs a program in the application's folder; what it printed. Throws where it fails, with the end of what it said. */
export async function runOrThrow(
  { folder, environment, cluster }: Omit<DemoApplication, 'web'>,
  file: string,
  words: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const server = { PGHOST: cluster.host, PGPORT: String(cluster.port), PGUSER: cluster.superuser };
  const child = spawn(file, [...words], { cwd: folder, env: { ...environment, ...server, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [printed, complaints]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const said = Buffer.concat(complaints).toString().trim().split('\n').slice(-5).join(' / ');
  if (status !== 0) throw new Error(`"${file} ${words.join(' ')}" ended with status ${status ?? 'unknown'}: ${said}`);
  return Buffer.concat(printed).toString();
}
