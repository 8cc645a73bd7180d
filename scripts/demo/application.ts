/** A small application to lose and to recover: an invoicing database on a server of its own, and a folder of uploads. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ThrowawayCluster, startCluster } from '../../test/harness/postgres/throwaway-cluster.ts';
import { applicationSchema } from './application-schema.ts';
import { createUploads, fingerprintUploads } from './uploads.ts';

export interface DemoApplication {
  readonly cluster: ThrowawayCluster;
  readonly database: string;
  /** With the password. */
  readonly databaseUrl: string;
  readonly uploads: string;
  /** Stops the server and removes its files; the folder given at first stays. */
  stop(): Promise<void>;
}

export interface ApplicationFingerprint {
  readonly tables: Readonly<Record<string, { readonly rows: number; readonly md5: string }>>;
  readonly files: Readonly<Record<string, string>>;
}

/** Starts a server and fills it (about 200 000 rows), and writes some 60 MB of uploads below `folder`. */
export async function createApplication(folder: string): Promise<DemoApplication> {
  const database = 'northstar';
  const uploads = join(folder, 'uploads');
  const cluster = await startCluster({ databases: [database] });
  try {
    await mkdir(uploads, { recursive: true });
    await Promise.all([cluster.psql(applicationSchema, database), createUploads(uploads)]);
    return { cluster, database, databaseUrl: cluster.url(database), uploads, stop: () => cluster.stop() };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** Count and checksum of the ordered rows of every table, and of every file its content, mode and time: equal only if nothing was lost. */
export async function fingerprintApplication({ cluster, database, uploads }: DemoApplication): Promise<ApplicationFingerprint> {
  const tables: Record<string, { rows: number; md5: string }> = {};
  const names = await cluster.query<{ name: string }>(
    "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    database,
  );
  for (const { name } of names) {
    const [found] = await cluster.query<{ rows: number; md5: string }>(
      `SELECT count(*)::int AS rows, coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE "C")), '') AS md5 FROM ${name} t`,
      database,
    );
    if (found !== undefined) tables[name] = found;
  }
  return { tables, files: await fingerprintUploads(uploads) };
}

/** The disaster: the database is dropped and the uploads are deleted. The server stays. */
export async function destroyApplication({ cluster, database, uploads }: DemoApplication): Promise<void> {
  await cluster.query(`DROP DATABASE "${database}" WITH (FORCE)`);
  await rm(uploads, { recursive: true });
}
