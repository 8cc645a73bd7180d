/** `npm run bench -- --set scale`: the same work in a small repository and in one of 10 000 snapshots and 5 million blobs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRepository } from '../../src/engine/repository.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { growRepository } from '../../test/harness/repositories/grow-repository.ts';
import { noiseBytes, seededBelow } from '../../test/harness/trees/seeded-bytes.ts';
import { measure, run, type Usage } from '../measure.ts';
import { holdfastEntry } from '../peers/holdfast.ts';
import { cleanEnvironment, password, type Command } from '../peers/peer.ts';

export const scaleWorks = ['open', 'list', 'browse', 'backup', 'restore', 'prune'] as const;
export type ScaleWork = (typeof scaleWorks)[number];

/** `first`: by a machine that has kept nothing of the repository. */
export type ScaleState = 'first' | 'again';

export interface ScaleRepository {
  readonly name: 'small' | 'large';
  readonly snapshots: number;
  readonly blobs: number;
}

export interface ScaleSample extends Usage {
  readonly repository: ScaleRepository['name'];
  readonly work: ScaleWork;
  readonly state: ScaleState;
}

export interface ScaleOutcome {
  readonly samples: readonly ScaleSample[];
  readonly repositories: readonly ScaleRepository[];
  readonly files: number;
}

export interface ScaleBenchRequest {
  readonly rounds: number;
  /** 1 for 10 000 snapshots and 5 million blobs. */
  readonly scale: number;
  readonly workFolder: string;
  readonly say: (line: string) => void;
}

const folders = 20;
const filesAFolder = 50;
/* What is not written again and again takes part in every round. */
const inEveryRound: readonly ScaleWork[] = ['open', 'list', 'browse', 'backup', 'restore'];

/** Makes both repositories and runs all rounds. Throws when a program fails, or restic does not find all the snapshots. */
export async function benchScale({ rounds, scale, workFolder, say }: ScaleBenchRequest): Promise<ScaleOutcome> {
  const folder = mkdtempSync(join(workFolder, 'scale-'));
  const repositories: ScaleRepository[] = [
    { name: 'small', snapshots: 10, blobs: 10_000 },
    { name: 'large', snapshots: Math.round(10_000 * scale), blobs: Math.round(5_000_000 * scale) },
  ];
  try {
    makeFiles(folder);
    for (const repository of repositories) {
      say(`scale: making a repository of ${repository.snapshots} snapshots and ${repository.blobs} blobs`);
      await makeRepository(folder, repository);
    }
    const samples: ScaleSample[] = [];
    const play = async (repository: ScaleRepository, work: ScaleWork, state: ScaleState): Promise<void> => {
      if (work === 'backup') changeFiles(folder, samples.length);
      rmSync(join(folder, 'restored'), { recursive: true, force: true });
      await run([{ argv: ['sync'], env: cleanEnvironment(folder) }]);
      const sample: ScaleSample = { repository: repository.name, work, state, ...(await measure([commandOf(folder, repository, work)])) };
      samples.push(sample);
      say(describeSample(sample));
    };
    for (let round = 1; round <= rounds; round += 1) {
      say(`scale, round ${round} of ${rounds}`);
      for (const work of ['list', 'backup'] as const)
        for (const repository of repositories) {
          rmSync(homeOf(folder, repository), { recursive: true, force: true });
          await play(repository, work, 'first');
        }
      for (const work of inEveryRound) for (const repository of repositories) await play(repository, work, 'again');
    }
    for (const repository of repositories) await play(repository, 'prune', 'again');
    return { samples, repositories, files: folders * filesAFolder };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeFiles(folder: string): void {
  for (let number = 0; number < folders * filesAFolder; number += 1) {
    const below = join(folder, 'data', `folder-${number % folders}`);
    mkdirSync(below, { recursive: true });
    writeFileSync(join(below, `file-${number}`), noiseBytes(`file ${number}`, 500 + seededBelow(`size ${number}`, 7500)));
  }
}

/** One file in a hundred. */
function changeFiles(folder: string, turn: number): void {
  for (let number = 0; number < folders * filesAFolder; number += 100)
    writeFileSync(join(folder, 'data', `folder-${number % folders}`, `file-${number}`), noiseBytes(`change ${turn} ${number}`, 4000));
}

async function makeRepository(folder: string, { name, snapshots, blobs }: ScaleRepository): Promise<void> {
  const path = join(folder, name);
  const place = { folder, name };
  await run([holdfast(place, 'repo', 'init', '-r', path)]);
  for (let turn = 0; turn < 3; turn += 1) {
    changeFiles(folder, -turn);
    await run([holdfast(place, 'backup', '--quiet', '-r', path, '--files', join(folder, 'data'))]);
  }
  const opened = await openRepository(createLocalStorage(path), { password });
  await growRepository(opened, { snapshots: snapshots - 3, blobs });
  await opened.close();
}

interface RunPlace {
  readonly folder: string;
  readonly name: string;
}

function homeOf(folder: string, { name }: Pick<ScaleRepository, 'name'>): string {
  return join(folder, `home-${name}`);
}

function holdfast({ folder, name }: RunPlace, ...words: string[]): Command {
  const home = homeOf(folder, { name: name === 'small' ? 'small' : 'large' });
  return { argv: [process.execPath, holdfastEntry, ...words], env: { ...cleanEnvironment(home), HOLDFAST_PASSWORD: password } };
}

function commandOf(folder: string, { name }: ScaleRepository, work: ScaleWork): Command {
  const path = join(folder, name);
  const words: Readonly<Record<ScaleWork, readonly string[]>> = {
    open: ['list', '--latest', '1'],
    list: ['list'],
    browse: ['ls', 'latest'],
    backup: ['backup', '--quiet', '--files', join(folder, 'data')],
    restore: ['restore', 'latest', '--quiet', '--target', join(folder, 'restored')],
    prune: ['prune', '--dry-run', '--quiet'],
  };
  return holdfast({ folder, name }, ...words[work], '-r', path);
}

function describeSample({ repository, work, state, wallSeconds, cpuSeconds, peakBytes }: ScaleSample): string {
  return `  ${work.padEnd(8)} ${state} ${repository} ${wallSeconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s, peak ${(peakBytes / 1e6).toFixed(0)} MB`;
}
