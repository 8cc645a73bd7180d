/** Names of WAL objects: everything of one cluster below `wal/<system identifier>/<timeline>/`. */
import { formatTimeline, looksLikeSegment, timelineOfSegment } from './segment-name.ts';
import { historyName, timelineOfHistory } from './timeline-history.ts';
import type { PartName } from './wal-archive.ts';

export type StoredName =
  | { readonly kind: 'segment'; readonly segment: string }
  | { readonly kind: 'part'; readonly segment: string; readonly part: PartName }
  | { readonly kind: 'history' }
  | { readonly kind: 'position' }
  | { readonly kind: 'gap'; readonly from: bigint; readonly to: bigint }
  /** `….backup`, `….partial` */
  | { readonly kind: 'file'; readonly name: string };

const systemIdForm = /^[1-9]\d{0,19}$/;
const otherFile = /^([0-9A-F]{24})(\.[0-9A-F]{8}\.backup|\.partial)$/;

/** The folder of a cluster. Throws a plain error for what is no system identifier. */
export function clusterFolder(systemId: string): string {
  if (!systemIdForm.test(systemId)) throw new Error(`"${systemId.slice(0, 40)}" is not a system identifier`);
  return `wal/${systemId}/`;
}

export function timelineFolder(systemId: string, timeline: number): string {
  return `${clusterFolder(systemId)}${formatTimeline(timeline)}/`;
}

export function segmentObject(systemId: string, segment: string): string {
  return `${timelineFolder(systemId, timelineOfSegment(segment))}${segment}`;
}

export function partObject(systemId: string, segment: string, { start, end }: PartName): string {
  return `${segmentObject(systemId, segment)}.part.${hex(BigInt(start), 8)}-${hex(BigInt(end), 8)}`;
}

export function historyObject(systemId: string, timeline: number): string {
  return `${timelineFolder(systemId, timeline)}${historyName(timeline)}`;
}

export function positionObject(systemId: string, timeline: number): string {
  return `${timelineFolder(systemId, timeline)}position`;
}

export function gapObject(systemId: string, timeline: number, from: bigint, to: bigint): string {
  return `${timelineFolder(systemId, timeline)}gap.${hex(from, 16)}-${hex(to, 16)}`;
}

/** Where a `.backup` or `.partial` file lies, or undefined for another name. */
export function fileObject(systemId: string, name: string): string | undefined {
  const [, segment] = otherFile.exec(name) ?? [];
  return segment === undefined ? undefined : `${timelineFolder(systemId, timelineOfSegment(segment))}${name}`;
}

/** The cluster in an object's name, below `wal/`; undefined for what is none. */
export function systemIdOf(name: string): string | undefined {
  const [, systemId = ''] = /^wal\/([^/]+)\//.exec(name) ?? [];
  return systemIdForm.test(systemId) ? systemId : undefined;
}

/** What an object is, by its name below the folder of its cluster; undefined for what is not ours. */
export function readStoredName(text: string): { readonly timeline: number; readonly stored: StoredName } | undefined {
  const [, folder = '', name = ''] = /^([0-9A-F]{8})\/([^/]+)$/.exec(text) ?? [];
  const timeline = Number.parseInt(folder, 16);
  if (!(timeline > 0)) return undefined;
  const stored = readName(name);
  return stored === undefined || !fits(stored, name, timeline) ? undefined : { timeline, stored };
}

function readName(name: string): StoredName | undefined {
  if (name === 'position') return { kind: 'position' };
  if (timelineOfHistory(name) !== undefined) return { kind: 'history' };
  const [, gapFrom, gapTo] = /^gap\.([0-9A-F]{16})-([0-9A-F]{16})$/.exec(name) ?? [];
  if (gapFrom !== undefined && gapTo !== undefined) return { kind: 'gap', from: BigInt(`0x${gapFrom}`), to: BigInt(`0x${gapTo}`) };
  const segment = name.slice(0, 24);
  if (!looksLikeSegment(segment)) return undefined;
  if (name === segment) return { kind: 'segment', segment };
  if (otherFile.test(name)) return { kind: 'file', name };
  const [, from = '', to = ''] = /^\.part\.([0-9A-F]{8})-([0-9A-F]{8})$/.exec(name.slice(24)) ?? [];
  const part = { start: Number.parseInt(from, 16), end: Number.parseInt(to, 16) };
  return part.start < part.end ? { kind: 'part', segment, part } : undefined;
}

/** Whether it lies in the folder of its own timeline. */
function fits(stored: StoredName, name: string, timeline: number): boolean {
  if (stored.kind === 'position' || stored.kind === 'gap') return true;
  return name.startsWith(formatTimeline(timeline));
}

function hex(value: bigint, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
