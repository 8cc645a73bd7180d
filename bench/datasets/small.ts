/** A hundred thousand small text files, about a hundred in each of a thousand nested folders. */
import type { ContentKind, PlannedFile } from './contents.ts';
import { Random } from './random.ts';

const seed = 'holdfast bench small 1';
const kinds: readonly ContentKind[] = ['prose', 'json', 'code', 'log'];

/** The files of the data set; `scale` 1 is 100 000 files of 0.3 to 8 KB. */
export function planSmall(scale: number): PlannedFile[] {
  const random = new Random(seed);
  return Array.from({ length: Math.max(1, Math.round(100_000 * scale)) }, (_, number) => {
    const folder = Math.floor(number / 100);
    const path = `area-${Math.floor(folder / 100)}/group-${Math.floor(folder / 10) % 10}/folder-${folder % 10}/note-${number}.txt`;
    return { path, kind: random.pick(kinds), size: random.logBetween(300, 8_000), seed: `${seed} ${path}` };
  });
}
