import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { datasetNames, type DatasetName } from './datasets/dataset.ts';
import { allPeers, defaultPeers } from './peers/peers.ts';
import type { Peer } from './peers/peer.ts';
import { sectionNames, type SectionName } from './section.ts';
import { scenarioNames, type ScenarioName } from './scenarios.ts';

export interface BenchOptions {
  readonly rounds: number;
  readonly sets: readonly DatasetName[];
  /** What is measured on a PostgreSQL server: dumps of a database, copies of the whole server. */
  readonly servers: readonly SectionName[];
  readonly scenarios: readonly ScenarioName[];
  readonly peers: readonly Peer[];
  /** 1 for the full size. */
  readonly scale: number;
  /** Where the data sets are kept from run to run. */
  readonly dataFolder: string;
  /** Where repositories and restored files go during a run. */
  readonly workFolder: string;
  readonly out: string;
  readonly build: boolean;
}

export const usage = `npm run bench -- [options]
  --rounds N          how often each is measured; medians are compared (3)
  --set LIST          ${datasetNames.join(',')} (all of these), dump (a PostgreSQL database, beside pg_dump | gzip),
                      physical (a PostgreSQL server, beside pgBackRest), loss (what is lost when a server is gone; --rounds 50),
                      s3 (files on an object store, beside restic), scale (10 000 snapshots and 5 million blobs)
  --scenario LIST     ${scenarioNames.join(',')} (all); what must come before runs too, unmeasured
  --only LIST         ${allPeers.map((peer) => peer.name).join(',')} (${defaultPeers.join(',')})
  --data DIR          where the data sets are made, once (a folder in the system's temporary one)
  --work DIR          where repositories and restored files go (next to the data)
  --scale FACTOR      smaller data, to try the benchmark itself (1)
  --out FILE          the results (bench/RESULTS.md)
  --no-build          measure the package in dist as it is`;

/** Reads the command line. Throws an error with the usage when a word is unknown. */
export function readOptions(words: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...words],
    allowNegative: true,
    options: {
      rounds: { type: 'string', default: '3' },
      set: { type: 'string', default: datasetNames.join(',') },
      scenario: { type: 'string', default: scenarioNames.join(',') },
      only: { type: 'string', default: defaultPeers.join(',') },
      data: { type: 'string' },
      work: { type: 'string' },
      scale: { type: 'string', default: '1' },
      out: { type: 'string' },
      build: { type: 'boolean', default: true },
    },
  });
  const sets = choose('set', values.set, [...datasetNames, ...sectionNames]);
  const base = join(tmpdir(), 'holdfast-bench');
  const dataFolder = resolve(values.data ?? join(base, 'data'));
  const chosen = choose(
    'program',
    values.only,
    allPeers.map((peer) => peer.name),
  );
  return {
    rounds: positive('--rounds', values.rounds),
    sets: datasetNames.filter((name) => sets.includes(name)),
    servers: sectionNames.filter((name) => sets.includes(name)),
    scenarios: choose('scenario', values.scenario, scenarioNames),
    peers: allPeers.filter((peer) => chosen.includes(peer.name)),
    scale: positive('--scale', values.scale),
    dataFolder,
    workFolder: resolve(values.work ?? join(dataFolder, '..', 'work')),
    out: resolve(values.out ?? join(import.meta.dirname, 'RESULTS.md')),
    build: values.build,
  };
}

function choose<Name extends string>(what: string, list: string, allowed: readonly Name[]): Name[] {
  const wanted = list.split(',').map((word) => word.trim());
  const unknown = wanted.find((word) => !allowed.some((name) => name === word));
  if (unknown !== undefined)
    throw new Error(`Cannot run the benchmark: "${unknown}" is no ${what}; there are ${allowed.join(', ')}.\n\n${usage}`);
  return allowed.filter((name) => wanted.includes(name));
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`Cannot run the benchmark: ${option} is "${text}" and must be a number above 0.\n\n${usage}`);
  return option === '--rounds' ? Math.ceil(number) : number;
}
