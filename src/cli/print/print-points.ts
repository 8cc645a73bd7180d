import type { ApplicationManifest, ManifestComponent } from '../../operations/application/application-manifest.ts';
import type { PointRecord } from '../../operations/points.ts';
import { formatCount, formatMoment, formatSeconds, formatSize } from './quantities.ts';
import { formatTable, printable } from './table.ts';

/** The table of `list`. */
export function textOfPoints(points: readonly PointRecord[]): string {
  if (points.length === 0) return 'no points';
  const rows = points.map((point) => [
    point.short_id,
    formatMoment(new Date(point.time)),
    printable(point.host),
    printable(point.components.join(', ')),
    point.size === null ? '?' : formatSize(point.size),
    [point.status, wordOfProof(point)].filter((word) => word !== 'complete').join(', '),
    printable(point.tags.join(', ')),
    printable(shortenPaths(point)),
  ]);
  return `${formatTable(['point', 'time', 'host', 'components', '>size', 'status', 'tags', 'paths'], rows)}\n${formatCount(points.length, 'point')}`;
}

function wordOfProof({ proven, proven_components: components }: PointRecord): string {
  if (proven) return 'proven';
  return components.length === 0 ? 'unproven' : `proven: ${printable(components.join(' '))}`;
}

/** A line is for one point: `show` has them all. What a configuration names is known by its components. */
function shortenPaths({ components, paths }: PointRecord): string {
  const [first, ...more] = paths;
  if (first === undefined || components.includes('point')) return '';
  return more.length === 0 ? first : `${first} +${more.length} more`;
}

/** One point, for `show`. */
export function textOfPoint(
  point: PointRecord,
  components: readonly {
    readonly component: string;
    readonly kind: string;
    readonly id: string;
    readonly size: number | null;
    readonly files: number | null;
    readonly paths: readonly string[];
  }[],
): string {
  const lines = [
    `point       ${point.id}`,
    `time        ${formatMoment(new Date(point.time))}`,
    `host        ${printable(point.host)}`,
    ...(point.application === undefined ? [] : [`application ${printable(point.application)}`]),
    `status      ${point.status}, ${proofOf(point)}`,
    ...(point.reason === undefined ? [] : [`reason      ${printable(point.reason)}`]),
    ...(point.tags.length === 0 ? [] : [`tags        ${printable(point.tags.join(', '))}`]),
  ];
  const rows = components.map(({ component, kind, id, size, files, paths }) => [
    printable(component),
    kind,
    id.slice(0, 8),
    size === null ? '?' : formatSize(size),
    files === null ? '?' : String(files),
    printable(paths.join(', ')),
  ]);
  return `${lines.join('\n')}\n\n${formatTable(['component', 'kind', 'snapshot', '>size', '>files', 'paths'], rows)}`;
}

function proofOf({ proven, proven_components: components }: PointRecord): string {
  if (proven) return 'proven';
  return components.length === 0
    ? 'unproven: no drill has restored it'
    : `proven in part: a drill has restored ${printable(components.join(', '))}`;
}

/** What the point of an application says about itself. */
export function textOfManifest({ version, profile, versions, components, skipped }: ApplicationManifest): string {
  const about = [
    ...(version === null ? [] : [`version ${printable(version)}`]),
    ...(profile === null ? [] : [`profile ${printable(profile)}`]),
    ...Object.entries(versions).map(([name, value]) => `${printable(name)} ${printable(value)}`),
  ];
  const rows = components.map((component) => [
    printable(component.name),
    printable(component.kind),
    component.unchanged === true ? `${component.status}, unchanged` : component.status,
    component.seconds === undefined ? '' : formatSeconds(component.seconds),
    component.bytes === undefined ? '' : formatSize(component.bytes),
    factsOf(component),
  ]);
  const failures = components.flatMap(({ name, error }) =>
    error === undefined ? [] : [`${printable(name)} was NOT saved: ${printable(error.message)} ${printable(error.hint)}`],
  );
  const problems = components.flatMap(({ name, problems: count = 0 }) =>
    count === 0 ? [] : [`${printable(name)}: ${formatCount(count, 'problem')}`],
  );
  const left = skipped.map(({ name, reason }) => `${printable(name)} is not in this point: ${printable(reason)}`);
  return [
    about.join(', '),
    formatTable(['component', 'kind', 'status', '>time', '>size', 'facts'], rows),
    ...failures,
    ...problems,
    ...left,
  ].join('\n');
}

function factsOf({ title, facts }: ManifestComponent): string {
  const list = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
  return printable([...(title === undefined ? [] : [title]), ...list].join(', '));
}
