/**
 * The engine sends stdout and stderr over one connection as frames: a byte for which of them, three zeros, the length in four bytes, the bytes.
 * Contents are passed on as they come, so that no frame is ever held whole.
 */

export interface FramePart {
  readonly from: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
}

const headerLength = 8;

/** Takes frames apart. Throws RangeError where the bytes are no frames or end in the middle of one. */
export async function* demultiplex(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FramePart> {
  let header: Uint8Array = Buffer.alloc(0);
  let left = 0;
  let from: FramePart['from'] = 'stdout';
  for await (const chunk of chunks) {
    let rest = chunk;
    while (rest.length > 0) {
      if (left === 0) {
        const wanted = headerLength - header.length;
        header =
          header.length === 0 && rest.length >= wanted ? rest.subarray(0, wanted) : Buffer.concat([header, rest.subarray(0, wanted)]);
        rest = rest.subarray(wanted);
        if (header.length < headerLength) continue;
        ({ from, left } = readHeader(header));
        header = Buffer.alloc(0);
        continue;
      }
      const bytes = rest.subarray(0, left);
      left -= bytes.length;
      rest = rest.subarray(bytes.length);
      yield { from, bytes };
    }
  }
  if (left > 0 || header.length > 0) throw new RangeError('the connection ended in the middle of a frame');
}

function readHeader(header: Uint8Array): { from: FramePart['from']; left: number } {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const [kind, zeros] = [view.getUint8(0), view.getUint32(0) & 0xff_ff_ff];
  /* 3 is the engine's own complaint. */
  if (kind > 3 || zeros !== 0) throw new RangeError('the engine sent something that is no frame');
  return { from: kind === 1 || kind === 0 ? 'stdout' : 'stderr', left: view.getUint32(4) };
}
