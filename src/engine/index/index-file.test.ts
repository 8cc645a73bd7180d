import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PackedBlob } from '../pack/pack-header.ts';
import { encodePack, joinIndex, readIndex, type IndexedPack } from './index-file.ts';

const u32 = fc.oneof(fc.constantFrom(0, 1, 0xffff_ffff), fc.integer({ min: 0, max: 0xffff_ffff }));
const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const blob = fc.record({ id, type: fc.constantFrom('data' as const, 'tree' as const), offset: u32, length: u32, uncompressedLength: u32 });
const packs: fc.Arbitrary<IndexedPack[]> = fc.array(fc.record({ id, blobs: fc.array(blob, { maxLength: 6 }) }), { maxLength: 6 });

/** What a visitor is told, as packs. */
function read(json: Buffer | string): IndexedPack[] {
  const seen: { id: string; blobs: PackedBlob[] }[] = [];
  readIndex(Buffer.from(json), {
    pack: (packId) => void seen.push({ id: packId, blobs: [] }),
    blob: (words, type, offset, length, uncompressedLength) =>
      void seen
        .at(-1)
        ?.blobs.push({ id: Buffer.from(words.buffer, words.byteOffset, 32).toString('hex'), type, offset, length, uncompressedLength }),
  });
  return seen;
}

/** The file as any JSON library would write it. */
function wireOf(list: readonly IndexedPack[], more: (at: number) => Readonly<Record<string, unknown>> = () => ({})): { packs: unknown[] } {
  return {
    packs: list.map((pack, at) => ({
      id: pack.id,
      blobs: pack.blobs.map(({ uncompressedLength, ...rest }) => ({
        id: rest.id,
        type: rest.type,
        offset: rest.offset,
        length: rest.length,
        ...(uncompressedLength > 0 ? { uncompressed_length: uncompressedLength } : {}),
      })),
      ...more(at),
    })),
  };
}

describe('an index', () => {
  test('is written as JSON.stringify would, and read as it was', () => {
    fc.assert(
      fc.property(packs, (list) => {
        const json = joinIndex(list.map(encodePack));
        expect(json.toString()).toBe(JSON.stringify(wireOf(list)));
        expect(read(json)).toEqual(list);
        expect(read(`${json.toString()}\n`)).toEqual(list);
      }),
    );
  });

  test('in another form says the same: white space, the order of keys, fields that others add', () => {
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, inner]) => [key, turned(inner)]),
      );
    };
    fc.assert(
      fc.property(packs, fc.nat(), (list, where) => {
        const wire = wireOf(list);
        // rustic gives a time to its packs, restic had a list of the indexes that this one replaces.
        const withTimes = wireOf(list, (at) => (at >= where % (list.length + 1) ? { time: '2026-11-20T10:00:00.123Z', size: 17 } : {}));
        const forms = [
          JSON.stringify(wire, undefined, 2),
          JSON.stringify(turned(wire)),
          JSON.stringify({ supersedes: ['ab'.repeat(32)], ...wire }),
          JSON.stringify({ ...wire, supersedes: null, packs_to_delete: [{ id: 'x' }] }),
          JSON.stringify(withTimes),
          JSON.stringify(wire).replaceAll('"tree"', '"tr\\u0065e"'),
          JSON.stringify(wire).replaceAll('"length"', '"len\\u0067th"'),
          ` ${JSON.stringify(wire)}\r\n\t `,
        ];
        for (const form of forms) expect(read(form)).toEqual(list);
      }),
    );
  });

  test('may be empty', () => {
    for (const json of ['{"packs":[]}', '{"packs":null}', '{}', '{"packs": [] }']) expect(read(json)).toEqual([]);
  });

  test('that is none is refused with a reason', () => {
    const one = JSON.stringify(
      wireOf([{ id: 'ab'.repeat(32), blobs: [{ id: 'cd'.repeat(32), type: 'data', offset: 1, length: 2, uncompressedLength: 3 }] }]),
    );
    const broken = [
      '',
      'null',
      '[]',
      '7',
      '{"packs":{}}',
      '{"packs":[7]}',
      '{"packs":[{"id":"ab"}]}',
      one.slice(0, -1),
      `${one}x`,
      `${one}${one}`,
      one.replace('"data"', '"blob"'),
      one.replace('"offset":1', '"offset":-1'),
      one.replace('"offset":1', '"offset":1.5'),
      one.replace('"offset":1', '"offset":4294967296'),
      one.replace('"offset":1', `"offset":${'9'.repeat(400)}`),
      one.replace('"length":2', '"length":"2"'),
      one.replace('abab', 'ABAB'),
      one.replace('abab', 'ab'),
      one.replace('cdcd', 'cdcdc'),
    ];
    for (const json of broken) expect(() => read(json)).toThrow(Error);
  });

  test('any bytes, and any change of a good one: packs or a plain error', () => {
    const good = joinIndex(
      [1, 2, 3].map(() => encodePack({ id: randomBytes(32).toString('hex'), blobs: [0, 1, 2].map((at) => blobAt(at)) })),
    );
    const attempt = (json: Buffer): void => {
      try {
        for (const pack of read(json)) expect(pack.id).toMatch(/^[0-9a-f]{64}$/);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        expect(error).not.toBeInstanceOf(TypeError);
        expect(error).not.toBeInstanceOf(RangeError);
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), fc.nat({ max: 255 }), fc.nat(), (noise, where, byte, cut) => {
        attempt(Buffer.from(noise));
        const changed = Buffer.from(good);
        changed[where % good.length] = byte;
        attempt(changed);
        attempt(good.subarray(0, cut % good.length));
        attempt(Buffer.concat([good.subarray(0, where % good.length), noise, good.subarray(cut % good.length)]));
      }),
      { numRuns: 1500 },
    );
  });

  test('nested beyond all measure is refused, not a crash', () => {
    for (const json of ['['.repeat(200_000), `{"packs":${'['.repeat(200_000)}`, `{"packs":[],"more":${'{"a":'.repeat(200_000)}`])
      expect(() => read(json)).toThrow(/JSON|stack/);
  });
});

function blobAt(at: number): PackedBlob {
  return {
    id: randomBytes(32).toString('hex'),
    type: at === 0 ? 'tree' : 'data',
    offset: at * 100,
    length: 100,
    uncompressedLength: at * 50,
  };
}
