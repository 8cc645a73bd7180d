/** The archive over sealed objects. Everything read is checked against its header before it is used. */
import { HoldfastError, isError, reasonOf } from '../errors.ts';
import { readInteger, readObject, readString } from '../util/wire.ts';
import { readCoverage } from './coverage.ts';
import { formatLsn, parseLsn } from '../util/lsn.ts';
import * as names from './object-names.ts';
import { readSegment } from './read-segment.ts';
import { decodeHeader, readMoment, type SegmentHeader } from './segment-header.ts';
import { hashOf, storeOnce, storeSegment } from './store-segment.ts';
import { listTimeline, listTimelines } from './stored-contents.ts';
import type { IdlePosition, PartName, RecordedGap, WalArchive } from './wal-archive.ts';
import type { WalObjects } from './wal-objects.ts';

/** Opens the WAL of one cluster; nothing is read yet. Throws a plain error for what is no system identifier. */
export function openWalArchive(objects: WalObjects, systemId: string): WalArchive {
  names.clusterFolder(systemId);
  const readHeader = (name: string, part?: PartName): Promise<SegmentHeader> => readHeaderOf(objects, systemId, name, part);
  const archive: WalArchive = {
    systemId,
    segmentSize: () => findSegmentSize(archive),
    timelines: () => listTimelines(objects, systemId),
    contents: (timeline) => listTimeline(objects, systemId, timeline),
    header: readHeader,
    readSegment: (name, options = {}) => readSegment({ objects, systemId, name, ...options }),
    putSegment: (segment, signal) => storeSegment(objects, systemId, { ...segment, offset: 0 }, signal),
    putPart: async (part, signal) => {
      await storeSegment(objects, systemId, part, signal);
    },
    removeParts: async (name, parts) => {
      for (const part of parts) await objects.remove(names.partObject(systemId, name, part));
    },
    removeSegment: (name) => objects.remove(names.segmentObject(systemId, name)),
    putHistory: (timeline, content) => storeOnce(objects, names.historyObject(systemId, timeline), content),
    readHistory: (timeline) => readBody(objects, names.historyObject(systemId, timeline)),
    putFile: (name, content) => storeOnce(objects, fileObject(systemId, name), content),
    readFile: (name) => readBody(objects, fileObject(systemId, name)),
    removeFile: (name) => objects.remove(fileObject(systemId, name)),
    putPosition: async (position) => {
      await objects.put(names.positionObject(systemId, position.timeline), encodePosition(position), new Uint8Array(0));
    },
    readPosition: (timeline) => readPosition(objects, systemId, timeline),
    putGap: async (gap) => {
      const { timeline, from, to, at, reason } = gap;
      const header = { v: 1, timeline, from: formatLsn(from), to: formatLsn(to), at: at.toISOString(), reason: reason.slice(0, 500) };
      await objects.put(names.gapObject(systemId, timeline, from, to), header, new Uint8Array(0));
    },
    readGaps: async (timeline) => {
      const { gaps } = await listTimeline(objects, systemId, timeline);
      return Promise.all(gaps.map(({ from, to }) => readGap(objects, systemId, timeline, from, to)));
    },
    coverage: () => readCoverage(archive),
  };
  return archive;
}

/** Every cluster whose WAL is stored. */
export async function listWalSystems(objects: WalObjects): Promise<string[]> {
  const found = new Set<string>();
  for await (const { name } of objects.list('wal/')) {
    const systemId = names.systemIdOf(name);
    if (systemId !== undefined) found.add(systemId);
  }
  return [...found].toSorted();
}

async function findSegmentSize(archive: WalArchive): Promise<number | undefined> {
  for (const { whole, parts } of await archive.timelines()) {
    const [segment] = whole;
    if (segment !== undefined) return (await archive.header(segment.name)).segmentSize;
    for (const [name, [part]] of parts) if (part !== undefined) return (await archive.header(name, part)).segmentSize;
  }
  return undefined;
}

async function readHeaderOf(objects: WalObjects, systemId: string, name: string, part?: PartName): Promise<SegmentHeader> {
  const object = part === undefined ? names.segmentObject(systemId, name) : names.partObject(systemId, name, part);
  const value = await objects.head(object);
  return reading(object, () => {
    const header = decodeHeader(value);
    if (header.systemId !== systemId || header.segment !== name) throw new Error('it belongs to another segment');
    return header;
  });
}

async function readBody(objects: WalObjects, object: string): Promise<Buffer | undefined> {
  try {
    const { header, body } = await objects.get(object);
    const sha256 = reading(object, () => readString(readObject(header, 'the header')['sha256'], 'the hash'));
    if ((await hashOf(body)) !== sha256) throw new HoldfastError('damaged', { object, reason: 'its content is not what its header says' });
    return body;
  } catch (error) {
    if (isError(error, 'storage-missing')) return undefined;
    throw error;
  }
}

function fileObject(systemId: string, name: string): string {
  const object = names.fileObject(systemId, name);
  if (object === undefined)
    throw new HoldfastError('wal-file', { name: name.slice(0, 80), reason: 'it is not the name of a file that belongs to WAL' });
  return object;
}

function encodePosition({ timeline, end, at }: IdlePosition): object {
  return { v: 1, timeline, end: formatLsn(end), at: at.toISOString() };
}

async function readPosition(objects: WalObjects, systemId: string, timeline: number): Promise<IdlePosition | undefined> {
  const object = names.positionObject(systemId, timeline);
  try {
    const value = await objects.head(object);
    return reading(object, () => {
      const json = readObject(value, 'the header');
      readInteger(json['timeline'], 'the timeline', timeline, timeline);
      return { timeline, end: parseLsn(readString(json['end'], 'the end')), at: readMoment(json['at']) };
    });
  } catch (error) {
    if (isError(error, 'storage-missing')) return undefined;
    throw error;
  }
}

async function readGap(objects: WalObjects, systemId: string, timeline: number, from: bigint, to: bigint): Promise<RecordedGap> {
  const object = names.gapObject(systemId, timeline, from, to);
  const value = await objects.head(object);
  return reading(object, () => {
    const json = readObject(value, 'the header');
    return { timeline, from, to, at: readMoment(json['at']), reason: readString(json['reason'], 'the reason') };
  });
}

/** What a reader throws becomes `damaged`. */
function reading<Value>(object: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new HoldfastError('damaged', { object, reason: reasonOf(error) }, error);
  }
}
