/** What the measurements ran on, for the head of the results. */
import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { run } from './measure.ts';
import type { Peer } from './peers/peer.ts';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  /** Of the folder with the data, and of the one with the repositories. */
  readonly fileSystems: readonly [data: string, work: string];
  /** Over the last minute, before the first measurement: how busy the machine was with other things. */
  readonly load: number;
}

const fileSystemNames: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x01021994: 'tmpfs (memory)',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x794c7630: 'overlayfs',
  0x2fc12fc1: 'zfs',
};

/** Looks at the machine; both folders must exist. */
export function describeMachine(dataFolder: string, workFolder: string): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${distribution()}, ${type()} ${release()}`,
    fileSystems: [fileSystemOf(dataFolder), fileSystemOf(workFolder)],
    load: loadavg()[0] ?? 0,
  };
}

/** Name and version, as each program prints them. */
export async function readVersions(peers: readonly Peer[]): Promise<ReadonlyMap<string, string>> {
  const versions = new Map<string, string>();
  for (const peer of peers) versions.set(peer.name, (await run([peer.version])).trim());
  return versions;
}

function fileSystemOf(folder: string): string {
  const { type: number } = statfsSync(folder);
  return fileSystemNames[number] ?? `type 0x${number.toString(16)}`;
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
