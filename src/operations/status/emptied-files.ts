/** Configuration that lost its content: too small for statistics, and nothing works without it. */
import { loadSnapshot } from '../../engine/snapshots/load-snapshots.ts';
import type { Repository } from '../../engine/repository.ts';
import { openCapturedTree } from '../captured-tree.ts';
import { toldForMs } from './repository-memory.ts';
import type { StandingChange } from './standing-change.ts';
import type { CaptureFacts } from './status-facts.ts';

const mostCaptures = 20;
const mostNamed = 10;
const longestSentence = 5000;

/**
 * Files that are empty in the newest capture of a component, and had content in one of the last week.
 * @param captures of one component, the oldest first. Throws the storage's errors and `damaged`.
 */
export async function findEmptied(
  repository: Repository,
  component: string,
  captures: readonly CaptureFacts[],
  signal: AbortSignal,
): Promise<readonly StandingChange[]> {
  const newest = captures.at(-1);
  if (newest === undefined) return [];
  const empty = new Set<string>();
  for (const [path, size] of await sizesIn(repository, newest, signal)) if (size === 0) empty.add(path);
  const found: string[] = [];
  const earlier = captures.slice(0, -1).filter(({ at }) => newest.at.getTime() - at.getTime() < toldForMs);
  for (const capture of earlier.slice(-mostCaptures).toReversed()) {
    if (empty.size === 0) break;
    for (const [path, size] of await sizesIn(repository, capture, signal)) {
      if (size === 0 || !empty.delete(path)) continue;
      found.push(`${path} is empty, and had ${size} bytes at ${capture.at.toISOString().slice(0, 16).replace('T', ' ')}`);
    }
  }
  if (found.length === 0) return [];
  const sentence = found.slice(0, mostNamed).join('; ').slice(0, longestSentence);
  return [{ kind: 'file-emptied', component, severity: 'critical', since: newest.at.toISOString(), sentence }];
}

async function sizesIn(repository: Repository, { snapshot }: CaptureFacts, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  const tree = openCapturedTree(repository, await loadSnapshot(repository, snapshot), signal);
  for await (const { path, size } of tree.list()) sizes.set(path, size);
  return sizes;
}
