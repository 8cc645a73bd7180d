/** Points as the command line names them. */
import type { SnapshotFilter } from '../engine/snapshots/find-snapshot.ts';
import { type PointRequest, splitPointName } from '../operations/point-request.ts';
import type { OptionDescription } from './command-description.ts';
import type { ParsedOptions } from './parsed-options.ts';

/** Which points count where one is not named by its id. */
export const filterOptions: readonly OptionDescription[] = [
  { flags: '--host <name>', text: 'only points of this host (may be repeated)' },
  { flags: '--tag <tags>', text: 'only points with all of these tags, separated by commas (repeated: with any of these lists)' },
  { flags: '--path <path>', text: 'only points of exactly this path (may be repeated)' },
];

export const componentOption: OptionDescription = { flags: '--component <name>', text: 'the component of the point that is meant' };

export const pointText = 'a point\'s short id, latest, latest:COMPONENT, or a time such as "2026-11-20 14:30" or "yesterday 18:00"';

/** What `--host`, `--tag` and `--path` ask for. */
export function readFilter(options: ParsedOptions): SnapshotFilter {
  const tags = options.texts('tag').map((list) => list.split(',').filter((tag) => tag !== ''));
  return {
    ...(options.has('host') ? { hosts: options.texts('host') } : {}),
    ...(options.has('path') ? { paths: options.texts('path') } : {}),
    ...(tags.length === 0 ? {} : { tags }),
  };
}

export interface NamedPoint {
  readonly point: PointRequest;
  readonly path: string | undefined;
}

/** Reads `POINT` or `POINT:/path` with the options that go with it. */
export function readPoint(options: ParsedOptions, text = 'latest'): NamedPoint {
  const { name, path } = splitPointName(text);
  const component = options.text('component');
  return { path, point: { name, filter: readFilter(options), ...(component === undefined ? {} : { component }) } };
}
