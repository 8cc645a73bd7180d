/** How a component comes back to where it belongs: each kind in its own way, all behind one interface. */
import type { ComponentConfiguration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import type { RestoreRequest } from '../../engine/restore/restore-request.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { HoldfastError } from '../../errors.ts';
import type { PostgresRestoreRequest } from '../../sources/postgres/restore-request.ts';
import type { Source } from '../../sources/source.ts';
import type { PointComponent } from '../points.ts';
import type { ApplicationTools } from './application-tools.ts';
import { holdsTemplates } from './holds-templates.ts';

export interface PutBackRequest {
  readonly tools: ApplicationTools;
  readonly repository: Repository;
  readonly configuration: ComponentConfiguration;
  readonly snapshot: PointComponent;
  /** What the point's manifest says about the component, where there is one. */
  readonly facts?: Facts;
  /** Another database, or another volume. */
  readonly into?: string;
  /** One of the component's volumes. */
  readonly volume?: string;
  /** Files, code and configuration go below this folder instead, with their whole paths. */
  readonly target?: string;
  /** Only this part of files. */
  readonly path?: string;
  readonly database?: Omit<PostgresRestoreRequest, 'into'>;
  /** Nothing may be changed, not even what an earlier run left. */
  readonly dryRun?: boolean;
  readonly files?: Omit<RestoreRequest, 'target' | 'subPath'>;
}

export type Facts = Readonly<Record<string, string | number>>;

export interface PutBack {
  /** What will be overwritten, made or removed, for people: `database "shop" is replaced by a new one`. */
  readonly effects: readonly string[];
  /** What is there now, to be saved before it is overwritten; undefined where there is nothing to save, and `nothing` says why. */
  readonly present: () => Promise<Source | undefined>;
  /** Services that must not run meanwhile, beside those that the configuration names. */
  readonly stops: readonly string[];
  /** Whether what is written is what the application works with: only then do its services have to stand still. */
  readonly writesLive: boolean;
  /** Does it. Facts are for the report. Throws the source's errors. `problems` counts what could not be restored as it was. */
  readonly carryOut: (context: RunContext) => Promise<{ readonly facts: Facts; readonly problems: number }>;
}

/** Decides how, and changes nothing. Throws `restore-not-possible`, `usage`, Docker's errors. */
export async function planPutBack(request: PutBackRequest): Promise<PutBack> {
  const { configuration, snapshot } = request;
  const { kind } = configuration.source;
  if (kind !== snapshot.tags.kind)
    throw new HoldfastError('restore-not-possible', {
      component: configuration.name,
      reason: `in the point it is of the kind ${snapshot.tags.kind}, and in the configuration ${kind}`,
      remedy: 'Restore it with --target FOLDER or --postgres URL, or choose another point',
    });
  checkOptions(request);
  switch (kind) {
    case 'postgres':
      return (await import('./put-back-database.ts')).planDatabase(request, configuration.source);
    case 'postgres-base':
      return (await import('./put-back-base.ts')).planBase(request, configuration.source);
    case 'files':
      return (await import('./put-back-files.ts')).planFiles(request, configuration.source);
    case 'volumes':
      return (await import('./put-back-volumes.ts')).planVolumes(request);
    case 'config':
      // Saved whole they are files as any others; templates are not.
      return (await holdsTemplates(request.repository, request.snapshot))
        ? (await import('./put-back-records.ts')).planRecords(request, configuration.source)
        : (await import('./put-back-files.ts')).planTree(request);
    case 'code':
    case 'redis':
      return (await import('./put-back-records.ts')).planRecords(request, configuration.source);
    case 'logs':
      throw new HoldfastError('restore-not-possible', {
        component: configuration.name,
        reason: 'logs are written by services, and have no place to go back to',
        remedy: 'Read them with holdfast ls and holdfast cat, or give --target FOLDER',
      });
  }
}

function checkOptions({ configuration, into, volume, path, database, files }: PutBackRequest): void {
  const { name, source } = configuration;
  const given: readonly [string, boolean, readonly string[]][] = [
    ['--into', into !== undefined, ['postgres', 'volumes', 'files']],
    ['--volume', volume !== undefined, ['volumes']],
    ['a path', path !== undefined, ['files', 'volumes']],
    ['an option for databases', database !== undefined && Object.keys(database).length > 0, ['postgres']],
    ['an option for files', files !== undefined && Object.keys(files).length > 0, ['files', 'volumes']],
  ];
  const wrong = given.find(([, isGiven, kinds]) => isGiven && !kinds.includes(source.kind));
  if (wrong !== undefined)
    throw new HoldfastError('usage', {
      reason: `${wrong[0]} is not for "${name}", which is of the kind ${source.kind}`,
      help: 'holdfast restore --help',
    });
}
