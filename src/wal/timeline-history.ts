/** Timeline histories: from which timeline a timeline came, and where it left it. PostgreSQL writes one file a timeline above 1. */
import { parseLsn } from '../util/lsn.ts';
import { formatTimeline } from './segment-name.ts';

export interface TimelineHistory {
  readonly timeline: number;
  /** Its ancestors, oldest first, each with the position at which the next one began. */
  readonly ancestors: readonly TimelineSwitch[];
}

export interface TimelineSwitch {
  readonly timeline: number;
  readonly switchPoint: bigint;
}

/** A timeline and the part of it that is on the way to another: from where, and up to where it goes on. */
export interface TimelineStretch {
  readonly timeline: number;
  readonly from: bigint;
  /** Where the next timeline begins; undefined for the last one. */
  readonly to?: bigint;
}

const mostBytes = 4 * 2 ** 20;

/** `00000002.history` */
export function historyName(timeline: number): string {
  return `${formatTimeline(timeline)}.history`;
}

/** The timeline in a history file's name, or undefined for another name. */
export function timelineOfHistory(name: string): number | undefined {
  const [, digits] = /^([0-9A-F]{8})\.history$/.exec(name) ?? [];
  const timeline = digits === undefined ? 0 : Number.parseInt(digits, 16);
  return timeline > 1 ? timeline : undefined;
}

/** Reads a history file. Throws a plain error for what PostgreSQL would not write. */
export function parseTimelineHistory(content: Uint8Array, timeline: number): TimelineHistory {
  if (content.length > mostBytes) throw new Error(`the history of timeline ${timeline} is larger than any history`);
  const ancestors: TimelineSwitch[] = [];
  for (const line of Buffer.from(content).toString('latin1').split('\n')) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const [, id, lsn] = /^(\d{1,10})\s+([0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8})(?:\s|$)/.exec(text) ?? [];
    if (id === undefined || lsn === undefined) throw new Error(`the history of timeline ${timeline} has a line that is none`);
    ancestors.push({ timeline: Number(id), switchPoint: parseLsn(lsn) });
  }
  if (ancestors.length === 0) throw new Error(`the history of timeline ${timeline} is empty`);
  for (const [at, { timeline: id, switchPoint }] of ancestors.entries()) {
    const next = ancestors[at + 1];
    if (id === 0 || id >= (next?.timeline ?? timeline) || (next !== undefined && switchPoint > next.switchPoint))
      throw new Error(`the history of timeline ${timeline} is not in order`);
  }
  return { timeline, ancestors };
}

/** The history of a timeline that has none of its own: the first. */
export function firstTimeline(timeline: number): TimelineHistory {
  return { timeline, ancestors: [] };
}

/** Where a timeline left its parent. */
export function parentOf({ ancestors }: TimelineHistory): TimelineSwitch | undefined {
  return ancestors.at(-1);
}

/** Where the way to the history's timeline leaves this one: undefined where it is the last; `absent` where it is not on the way. */
export function switchFrom(history: TimelineHistory, timeline: number): bigint | undefined | 'absent' {
  if (timeline === history.timeline) return undefined;
  return history.ancestors.find((ancestor) => ancestor.timeline === timeline)?.switchPoint ?? 'absent';
}

/**
 * The way from a position on one timeline to the history's timeline. Undefined where there is none: the timeline is no ancestor, or was left
 * before that position.
 */
export function pathFrom(
  history: TimelineHistory,
  start: { readonly timeline: number; readonly lsn: bigint },
): TimelineStretch[] | undefined {
  const all = [...history.ancestors, { timeline: history.timeline }];
  const first = all.findIndex(({ timeline }) => timeline === start.timeline);
  if (first === -1) return undefined;
  const path: TimelineStretch[] = [];
  let from = start.lsn;
  for (const stretch of all.slice(first)) {
    if (!('switchPoint' in stretch)) path.push({ timeline: stretch.timeline, from });
    else if (stretch.switchPoint < from) return undefined;
    else {
      path.push({ timeline: stretch.timeline, from, to: stretch.switchPoint });
      from = stretch.switchPoint;
    }
  }
  return path;
}
