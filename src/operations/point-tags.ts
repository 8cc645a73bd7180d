/**
 * How a recovery point is written into snapshots: one snapshot a component, held together by tags, so that restic shows and keeps
 * them like any other. A snapshot without such tags is a point of one component `files`.
 */
import { HoldfastError } from '../errors.ts';

export interface PointTags {
  readonly component: string;
  /** `files`, `postgres`. */
  readonly kind: string;
  /** The application of the configuration that it was made by; absent where none was. */
  readonly application?: string;
  /** Beginning of the id of the point's first snapshot; absent for that one itself. */
  readonly point?: string;
  /** How many components the run set out to save; 1 where it does not say. */
  readonly parts: number;
  /** Beginnings of the ids of the snapshots that it cannot be restored without, as they were called where it was made. Absent where there are none. */
  readonly needs?: readonly string[];
  /** What people tagged it with. */
  readonly own: readonly string[];
}

/** How much of an id names a point, or a snapshot that another needs. */
export const pointDigits = 16;

/** Whether a tag only tells how snapshots belong together: it differs from point to point. */
export function isBond(tag: string): boolean {
  return /^(point|parts|needs):/.test(tag);
}

const reserved = /^(application|component|kind|point|parts|needs):(.*)$/s;

/** The tags of one component's snapshot. */
export function writeTags({ application, component, kind, point, parts, needs = [], own }: PointTags): string[] {
  return [
    ...own,
    ...(application === undefined ? [] : [`application:${application}`]),
    `component:${component}`,
    `kind:${kind}`,
    ...(parts > 1 ? [`parts:${parts}`] : []),
    ...(point === undefined ? [] : [`point:${point.slice(0, pointDigits)}`]),
    ...new Set(needs.map((id) => `needs:${id.slice(0, pointDigits)}`)),
  ];
}

/** Reads a snapshot's tags. */
export function readTags(tags: readonly string[] = []): PointTags {
  const found = new Map<string, string>();
  const own: string[] = [];
  const needs: string[] = [];
  for (const tag of tags) {
    const [, name, value] = reserved.exec(tag) ?? [];
    if (name === undefined || value === undefined) own.push(tag);
    else if (name === 'needs') needs.push(value);
    else found.set(name, value);
  }
  const [point, application] = [found.get('point'), found.get('application')];
  const parts = Number(found.get('parts') ?? 1);
  return {
    component: found.get('component') || 'files',
    kind: found.get('kind') || 'files',
    ...(application === undefined || application === '' ? {} : { application }),
    ...(point === undefined || point === '' ? {} : { point }),
    parts: Number.isSafeInteger(parts) && parts > 0 ? parts : 1,
    ...(needs.length === 0 ? {} : { needs }),
    own,
  };
}

/** Throws `usage` for a tag that would be taken for one of ours, or that restic's lists of tags could not hold. */
export function checkOwnTags(tags: readonly string[]): void {
  for (const tag of tags) {
    const reason = reserved.test(tag)
      ? `the tag "${tag}" begins with a word that holdfast uses itself`
      : tag.includes(',')
        ? `the tag "${tag}" has a comma`
        : undefined;
    if (reason !== undefined) throw new HoldfastError('usage', { reason, help: 'holdfast backup --help' });
  }
}

/** Throws `usage` for a component's name that could not be written down. */
export function checkComponentName(name: string): void {
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u.test(name))
    throw new HoldfastError('usage', {
      reason: `"${name}" is no name for a component: letters, digits, dots, dashes and underscores are`,
      help: 'holdfast backup --help',
    });
}
