/** What of a point becomes which files of an archive. */
import type { Repository } from '../../engine/repository.ts';
import type { EventSink } from '../../events.ts';
import type { CapturedTree } from '../../sources/source.ts';
import type { PointComponent } from '../points.ts';
import type { ArchiveItem } from './archive-item.ts';
import { fileWord } from './file-word.ts';

/** A component of the point, opened. */
export interface PlannedComponent {
  readonly component: string;
  readonly repository: Repository;
  readonly snapshot: PointComponent;
  readonly tree: CapturedTree;
  /** What its files are called: `database` of the only database, else its own name. */
  readonly stem: string;
  /** No other component is of its kind. */
  readonly isOnly: boolean;
  /** Bytes, before compression. */
  readonly bytes: number;
  /** False leaves secrets out: nothing will be encrypted. */
  readonly withSecrets: boolean;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/** What the only component of a kind is called. */
const usualNames: Readonly<Record<string, string>> = {
  'postgres': 'database',
  'postgres-base': 'database-base',
  'redis': 'redis',
  'logs': 'logs',
  'config': 'config',
  'code': 'code',
};

export interface ItemsRequest extends Pick<PlannedComponent, 'repository' | 'withSecrets' | 'events' | 'signal'> {
  readonly components: readonly PointComponent[];
  readonly open: (snapshot: PointComponent) => CapturedTree;
  /** The point's time, of files that are made now. */
  readonly time: Date;
}

/** In the order in which they are best put back. Throws `damaged`, and what opening a component throws. */
export async function planItems(request: ItemsRequest): Promise<ArchiveItem[]> {
  const { components, open } = request;
  const items: ArchiveItem[] = [];
  const taken = new Set<string>();
  for (const snapshot of components) {
    const { component, kind } = snapshot.tags;
    const isOnly = components.filter(({ tags }) => tags.kind === kind).length === 1;
    const usual = usualNames[kind];
    const planned: PlannedComponent = {
      ...request,
      component,
      snapshot,
      tree: open(snapshot),
      isOnly,
      stem: isOnly && usual !== undefined ? usual : fileWord(component),
      bytes: snapshot.snapshot.summary?.total_bytes_processed ?? 0,
    };
    for (const item of await planComponent(planned, request.time)) items.push({ ...item, name: makeUnique(item.name, taken) });
  }
  return items;
}

async function planComponent(component: PlannedComponent, time: Date): Promise<ArchiveItem[]> {
  switch (component.snapshot.tags.kind) {
    case 'postgres':
      return (await import('./plan-database.ts')).planDatabases(component);
    case 'postgres-base':
      return (await import('./plan-base.ts')).planBase(component);
    case 'redis':
      return (await import('./plan-records.ts')).planRedis(component);
    case 'logs':
      return (await import('./plan-records.ts')).planLogs(component);
    case 'code':
      return (await import('./plan-records.ts')).planCode(component);
    case 'config':
      return (await import('./plan-config.ts')).planConfig(component, time);
    case 'point':
      return (await import('./plan-records.ts')).planPoint(component, time);
    case 'volumes':
      return (await import('./plan-files.ts')).planVolumes(component);
    default:
      return (await import('./plan-files.ts')).planFiles(component);
  }
}

function makeUnique(name: string, taken: Set<string>): string {
  let unique = name;
  for (let count = 2; taken.has(unique); count += 1) unique = name.replace(/(\.[^.]*)?$/, (ending) => `-${count}${ending}`);
  taken.add(unique);
  return unique;
}
