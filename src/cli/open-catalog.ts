/** What this host remembers, for commands that read it. */
import type { Catalog } from '../catalog/catalog.ts';
import type { CommandContext } from './command-context.ts';

/** Throws `catalog-failed`, `catalog-newer`. */
export async function openHostCatalog({
  environment,
  clock,
  events,
}: Pick<CommandContext, 'environment' | 'clock' | 'events'>): Promise<Catalog> {
  const { openCatalog } = await import('../catalog/catalog.ts');
  const { stateFolderOf } = await import('../util/state-folder.ts');
  return openCatalog(stateFolderOf(environment), clock, { onNotice: (message) => events({ type: 'notice', message }) });
}
