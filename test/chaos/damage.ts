/** Ways in which a file goes bad: a bit, an end, all of it. */
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { seededBelow } from '../harness/trees/seeded-bytes.ts';

export interface Damage {
  readonly name: string;
  /** The file after it; undefined where there is none any more. */
  apply(bytes: Buffer): Buffer | undefined;
}

function flipAt(name: string, at: (length: number) => number): Damage {
  return {
    name: `a bit flipped ${name}`,
    apply: (bytes) => {
      const flipped = Buffer.from(bytes);
      const place = at(bytes.length);
      flipped[place] = (flipped[place] ?? 0) ^ (1 << (place % 8));
      return flipped;
    },
  };
}

/** Every kind; the random places are those of the seed. */
export function damages(seed: string): Damage[] {
  return [
    flipAt('in the first byte', () => 0),
    flipAt('in the middle', (length) => length >> 1),
    flipAt('in the last byte', (length) => length - 1),
    flipAt('somewhere', (length) => seededBelow(`${seed} one`, length)),
    flipAt('somewhere else', (length) => seededBelow(`${seed} two`, length)),
    { name: 'the last byte cut off', apply: (bytes) => bytes.subarray(0, -1) },
    { name: 'one byte more', apply: (bytes) => Buffer.concat([bytes, Buffer.of(0)]) },
    {
      name: 'half of it zeros',
      apply: (bytes) => Buffer.concat([bytes.subarray(0, bytes.length >> 1), Buffer.alloc((bytes.length + 1) >> 1)]),
    },
    { name: 'empty', apply: () => Buffer.alloc(0) },
    { name: 'deleted', apply: () => undefined },
  ];
}

/** Does the damage; disposing of what it returns undoes it. */
export function doDamage(path: string, damage: Damage): Disposable {
  const bytes = readFileSync(path);
  chmodSync(path, 0o600);
  const worse = damage.apply(bytes);
  if (worse === undefined) rmSync(path);
  else writeFileSync(path, worse);
  return { [Symbol.dispose]: () => writeFileSync(path, bytes) };
}
