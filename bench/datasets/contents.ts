/** What goes into one planned file: a kind, a size and a seed are all it takes, so that a duplicate is the same three again. */
import { Random, noise } from './random.ts';
import { textLine, type TextKind } from './text.ts';

export type ContentKind = TextKind | 'noise' | 'document';

export interface PlannedFile {
  /** Relative to the folder of the data set, with slashes. */
  readonly path: string;
  readonly kind: ContentKind;
  /** In bytes. */
  readonly size: number;
  readonly seed: string;
}

const textPieceBytes = 1 << 20;

/** The bytes of one file, in pieces of up to about 1 MiB, `size` in all. */
export function* contentOf(file: Pick<PlannedFile, 'kind' | 'size' | 'seed'>): Generator<Buffer> {
  if (file.kind === 'noise') yield* noise(file.seed, file.size);
  else if (file.kind === 'document') yield* documentPieces(file.seed, file.size);
  else yield* textPieces(file.kind, file.seed, file.size);
}

function* textPieces(kind: TextKind, seed: string, size: number): Generator<Buffer> {
  const random = new Random(seed);
  let number = random.below(1_000_000);
  for (let left = size; left > 0;) {
    const wanted = Math.min(left, textPieceBytes);
    let text = '';
    while (text.length < wanted) text += textLine(kind, random, (number += 1));
    yield Buffer.from(text.slice(0, wanted), 'latin1');
    left -= wanted;
  }
}

/** Like a PDF: compressed streams with some readable structure between them. */
function* documentPieces(seed: string, size: number): Generator<Buffer> {
  const random = new Random(seed);
  for (let left = size, part = 0; left > 0; part += 1) {
    const readable = part % 2 === 0;
    const length = Math.min(left, readable ? 2_000 + random.below(6_000) : 16_000 + random.below(60_000));
    if (readable) yield* textPieces('json', `${seed} ${part}`, length);
    else yield* noise(`${seed} ${part}`, length);
    left -= length;
  }
}
