import type { Repository } from '../repository.ts';
import { encodeSnapshot, type Snapshot } from '../snapshot-json.ts';

/** Stores a snapshot; what it names must be stored and indexed before. Returns its id. */
export function saveSnapshot(repository: Repository, snapshot: Snapshot): Promise<string> {
  return repository.writeFile('snapshot', encodeSnapshot(snapshot));
}
