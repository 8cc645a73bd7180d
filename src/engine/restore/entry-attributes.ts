/** Extended attributes as bytes, for the entry table: for each, two lengths, the name, the value. */
import { decodePath, encodePath } from '../../util/path-bytes.ts';
import type { ExtendedAttribute } from '../tree/node.ts';

export function encodeAttributes(attributes: readonly ExtendedAttribute[]): Buffer {
  return Buffer.concat(
    attributes.flatMap(({ name, value }) => {
      const nameBytes = encodePath(name);
      const lengths = Buffer.alloc(8);
      lengths.writeUInt32LE(nameBytes.length, 0);
      lengths.writeUInt32LE(value.length, 4);
      return [lengths, nameBytes, value];
    }),
  );
}

export function decodeAttributes(bytes: Uint8Array): ExtendedAttribute[] {
  const buffer = Buffer.from(bytes);
  const attributes: ExtendedAttribute[] = [];
  for (let at = 0; at < buffer.length;) {
    const nameEnd = at + 8 + buffer.readUInt32LE(at);
    const valueEnd = nameEnd + buffer.readUInt32LE(at + 4);
    attributes.push({ name: decodePath(buffer.subarray(at + 8, nameEnd)), value: buffer.subarray(nameEnd, valueEnd) });
    at = valueEnd;
  }
  return attributes;
}
