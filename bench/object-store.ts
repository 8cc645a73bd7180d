/** `npm run bench -- --set s3`: holdfast beside restic on an S3 store (Ceph) of this machine, in turns. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startCeph, type Ceph } from '../test/harness/stores/ceph.ts';
import { countRequests } from './count-requests.ts';
import { openDataset, type Dataset } from './datasets/dataset.ts';
import { readVersions } from './machine.ts';
import { measure, run, type Usage } from './measure.ts';
import { holdfast } from './peers/holdfast.ts';
import { cleanEnvironment, type Command, type Peer } from './peers/peer.ts';
import { restic } from './peers/restic.ts';
import { countContents, readAll, requireSameAmount, requireSameContent } from './verify.ts';

export const storeWorks = ['first', 'changed', 'restore'] as const;
export type StoreWork = (typeof storeWorks)[number];
export const storePeers: readonly Peer[] = [restic, holdfast];

export interface StoreSample extends Usage {
  readonly program: string;
  readonly work: StoreWork;
  /** Requests that the store got; they were counted in a pass of its own, which was not timed. */
  readonly requests?: number;
}

export interface StoreOutcome {
  readonly samples: readonly StoreSample[];
  readonly dataset: Pick<Dataset, 'files' | 'bytes'>;
  readonly versions: readonly string[];
}

export interface StoreBenchRequest {
  readonly rounds: number;
  readonly scale: number;
  readonly dataFolder: string;
  readonly workFolder: string;
  readonly say: (line: string) => void;
}

/** Runs all rounds. Throws when a program fails or brings back something else. */
export async function benchObjectStore({ rounds, scale, dataFolder, workFolder, say }: StoreBenchRequest): Promise<StoreOutcome> {
  const dataset = openDataset('mixed', dataFolder, scale);
  const samples: StoreSample[] = [];
  const versions = await readVersions(storePeers);
  /* Round 0 counts requests. */
  for (let round = 0; round <= rounds; round += 1) {
    say(round === 0 ? 's3: counting requests' : `s3, round ${round} of ${rounds}`);
    const folder = mkdtempSync(join(workFolder, 's3-'));
    const ceph = await startCeph();
    try {
      await ceph.createBucket('bench');
      for await (const sample of playRound(ceph, dataset, folder, round)) {
        samples.push(sample);
        say(
          `  ${sample.work.padEnd(8)} ${sample.program.padEnd(9)} ${sample.wallSeconds.toFixed(2)} s, CPU ${sample.cpuSeconds.toFixed(2)} s, ${sample.requests ?? '–'} requests`,
        );
      }
    } finally {
      dataset.revert();
      await ceph.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return { samples, dataset, versions: [...versions].map(([name, version]) => (version.includes(name) ? version : `${name} ${version}`)) };
}

async function* playRound(ceph: Ceph, dataset: Dataset, folder: string, round: number): AsyncGenerator<StoreSample, void, undefined> {
  const counter = round === 0 ? await countRequests(ceph.port) : undefined;
  const port = counter?.port ?? ceph.port;
  const homes = storePeers.map(({ name }) => ({
    repository: name === 'restic' ? `s3:http://127.0.0.1:${port}/bench/restic` : `s3://bench/holdfast?endpoint=http://127.0.0.1:${port}`,
    home: join(folder, name),
  }));
  /* Who begins changes from round to round. */
  const turns = round % 2 === 0 ? [0, 1] : [1, 0];
  for (const { home } of homes) mkdirSync(join(home, 'tmp'), { recursive: true });
  const withKeys = (commands: readonly Command[]): Command[] =>
    commands.map((command) => ({ ...command, env: { ...command.env, ...ceph.environment } }));
  async function* each(
    work: StoreWork,
    commandsOf: (peer: Peer, at: number) => readonly Command[],
  ): AsyncGenerator<StoreSample, void, undefined> {
    for (const at of turns) {
      const [peer, place] = [storePeers[at], homes[at]];
      if (peer === undefined || place === undefined) continue;
      await run([{ argv: ['sync'], env: cleanEnvironment(place.home) }]);
      counter?.take();
      const usage = await measure(withKeys(commandsOf(peer, at)));
      yield { program: peer.name, work, ...usage, ...(counter === undefined ? {} : { requests: counter.take() }) };
    }
  }
  const placeAt = (at: number): { readonly repository: string; readonly home: string } => homes[at] ?? { repository: '', home: '' };
  for (const at of turns) await run(withKeys(storePeers[at]?.init(placeAt(at)) ?? []));
  readAll(dataset.folder);
  yield* each('first', (peer, at) => peer.backup(placeAt(at), [dataset.folder], 'first'));
  dataset.mutate();
  const changed = countContents(dataset.folder);
  yield* each('changed', (peer, at) => peer.backup(placeAt(at), [dataset.folder], 'changed'));
  const target = (at: number): string => join(folder, `target-${at}`);
  for await (const sample of each('restore', (peer, at) => peer.restore(placeAt(at), 'changed', target(at)))) {
    yield sample;
    const restored = join(target(sample.program === 'restic' ? 0 : 1), dataset.folder);
    requireSameAmount(changed, restored);
    if (round === 1) requireSameContent(dataset.folder, restored);
    rmSync(target(sample.program === 'restic' ? 0 : 1), { recursive: true, force: true });
  }
  await counter?.close();
}
