/** The manifest of a database that pg_dump saved without us: what the dump says of itself, so that a restore makes and compares the same. */
import type { PostgresManifest } from '../../sources/postgres/manifest.ts';
import type { DumpFormat } from '../../sources/postgres/dump-options.ts';
import type { ScriptFacts } from './read-script.ts';

export interface ImportedDump {
  readonly database: string;
  readonly format: DumpFormat;
  readonly time: Date;
  readonly bytes: number;
  readonly facts: ScriptFacts;
}

export function importedManifest({ database, format, time, bytes, facts }: ImportedDump): PostgresManifest {
  const { serverVersion = 'unknown', dumpVersion = 'unknown', encoding = 'UTF8', owner = '', tables, largeObjects } = facts;
  /* A dump that does not say it was made without --create; this one is known wherever Unicode is. */
  const locale = encoding === 'UTF8' ? 'C.UTF-8' : 'C';
  return {
    format: 1,
    database,
    properties: {
      owner,
      encoding,
      collation: facts.collation ?? locale,
      characterType: facts.characterType ?? locale,
      localeProvider: 'c',
      locale: null,
      settings: [],
      privileges: null,
      comment: null,
    },
    server: { version: serverVersion, major: majorOf(serverVersion) },
    tools: { pg_dump: dumpVersion, pg_dump_major: majorOf(dumpVersion) },
    dump: { format },
    databaseSize: bytes,
    lsn: null,
    takenAt: time.toISOString(),
    extensions: {},
    largeObjects,
    tables: [...tables],
  };
}

/** 15 of `15.3`, 9 of `9.6.24`. */
export function majorOf(version: string): number {
  return Number.parseInt(version, 10) || 0;
}
