/** The newest runbook of each application, beside the points in the repository: whoever has its address and password can read it anywhere. */
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import { hash } from 'node:crypto';

const folder = 'runbook/';

/** Replaces the one before. Throws the storage's errors. */
export async function keepRunbook(repository: Repository, application: string, markdown: string): Promise<void> {
  await openSealedObjects(repository).put(nameOf(application), { kind: 'runbook' }, Buffer.from(markdown, 'utf8'));
}

/** All that are kept, as Markdown. Throws `damaged` and the storage's errors. */
export async function readRunbooks(repository: Repository): Promise<readonly string[]> {
  const objects = openSealedObjects(repository);
  const found: string[] = [];
  for await (const { name } of objects.list(folder)) found.push((await objects.get(name)).body.toString('utf8'));
  return found;
}

/** An application may be called anything, and a storage key may not. */
function nameOf(application: string): string {
  return `${folder}${hash('sha256', application).slice(0, 32)}`;
}
