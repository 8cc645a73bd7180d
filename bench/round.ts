/** One round of one data set: every scenario in turn, and within a scenario every program in turn, so that they meet the same machine. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset, DatasetName } from './datasets/dataset.ts';
import { measure, run, type Usage } from './measure.ts';
import { cleanEnvironment, type Peer, type Place } from './peers/peer.ts';
import { withPrerequisites, type ScenarioName } from './scenarios.ts';
import { countContents, readAll, requireSameAmount, requireSameContent } from './verify.ts';

export interface Sample extends Usage {
  readonly program: string;
  readonly set: DatasetName;
  readonly scenario: ScenarioName;
  readonly round: number;
  /** The sum of the sizes of the repository's files, afterwards. */
  readonly repositoryBytes: number;
}

export interface Failure {
  readonly program: string;
  readonly set: DatasetName;
  readonly scenario: ScenarioName | 'init';
  readonly reason: string;
}

export interface RoundRequest {
  readonly dataset: Dataset;
  readonly peers: readonly Peer[];
  readonly scenarios: readonly ScenarioName[];
  readonly round: number;
  /** An empty folder for repositories, caches and restored files; emptied again afterwards. */
  readonly workFolder: string;
  readonly say: (line: string) => void;
}

export interface RoundOutcome {
  readonly samples: readonly Sample[];
  /** A program that failed took no further part in the round. */
  readonly failures: readonly Failure[];
}

interface Contestant {
  readonly peer: Peer;
  readonly place: Place;
  /** The label of its newest backup. */
  label: string;
}

/** Runs one round. The data set is put back as it was, and the work folder removed, whatever happens. */
export async function runRound(request: RoundRequest): Promise<RoundOutcome> {
  const samples: Sample[] = [];
  const failures: Failure[] = [];
  let contestants = request.peers.map((peer) => enter(peer, request.workFolder));
  const attempt = async (scenario: Failure['scenario'], work: (contestant: Contestant) => Promise<void>): Promise<void> => {
    for (const contestant of [...contestants]) {
      try {
        await work(contestant);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        request.say(`  FAILED ${contestant.peer.name} ${scenario}: ${reason}`);
        failures.push({ program: contestant.peer.name, set: request.dataset.name, scenario, reason });
        contestants = contestants.filter((other) => other !== contestant);
      }
    }
  };
  try {
    readAll(request.dataset.folder);
    await attempt('init', async ({ peer, place }) => void (await run(peer.init(place))));
    for (const scenario of withPrerequisites(request.scenarios)) {
      if (scenario === 'changed') {
        request.dataset.mutate();
        readAll(request.dataset.folder);
      }
      await attempt(scenario, async (contestant) => {
        const sample = await play(scenario, contestant, request);
        if (!request.scenarios.includes(scenario)) return;
        samples.push(sample);
        request.say(describe(sample));
      });
    }
  } finally {
    request.dataset.revert();
    rmSync(request.workFolder, { recursive: true, force: true });
  }
  return { samples, failures };
}

function enter(peer: Peer, workFolder: string): Contestant {
  const place = { repository: join(workFolder, peer.name, 'repository'), home: join(workFolder, peer.name, 'home') };
  mkdirSync(join(place.home, 'tmp'), { recursive: true });
  return { peer, place, label: '' };
}

async function play(scenario: ScenarioName, contestant: Contestant, request: RoundRequest): Promise<Sample> {
  const { peer, place } = contestant;
  await settle(place);
  const usage = scenario === 'restore' ? await playRestore(contestant, request) : await playWrite(scenario, contestant, request);
  if (scenario !== 'restore') await run(peer.judge(place));
  const repositoryBytes = countContents(place.repository).bytes;
  return { program: peer.name, set: request.dataset.name, scenario, round: request.round, repositoryBytes, ...usage };
}

async function playWrite(scenario: Exclude<ScenarioName, 'restore'>, contestant: Contestant, request: RoundRequest): Promise<Usage> {
  const { peer, place } = contestant;
  if (scenario === 'prune') return measure(peer.prune(place));
  contestant.label = scenario;
  return measure(peer.backup(place, [request.dataset.folder], scenario));
}

async function playRestore({ peer, place, label }: Contestant, request: RoundRequest): Promise<Usage> {
  const target = join(request.workFolder, peer.name, 'restored');
  mkdirSync(target, { recursive: true });
  try {
    const usage = await measure(peer.restore(place, label, target));
    const restored = join(target, request.dataset.folder);
    requireSameAmount(countContents(request.dataset.folder), restored);
    if (request.round === 1) requireSameContent(request.dataset.folder, restored);
    return usage;
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

/** Lets the disk finish what the program before has left, so that nobody pays for another's writes. */
async function settle(place: Place): Promise<void> {
  await run([{ argv: ['sync'], env: cleanEnvironment(place.home) }]);
}

function describe(sample: Sample): string {
  const memory = `${Math.round(sample.peakBytes / 1e6)} MB`;
  return `  ${sample.scenario.padEnd(10)} ${sample.program.padEnd(9)} ${sample.wallSeconds.toFixed(2)} s, CPU ${sample.cpuSeconds.toFixed(2)} s, ${memory}, repository ${(sample.repositoryBytes / 1e6).toFixed(1)} MB`;
}
