/** The demo's uploads: some three hundred files of several kinds, the same bytes on every run. */
import { createCipheriv, createHash } from 'node:crypto';
import { chmod, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const firstModified = Date.UTC(2026, 0, 1, 8);
const day = 24 * 60 * 60 * 1000;

/** About 60 MB: scanned receipts, pictures, notes, in folders by year and month, with modes, an empty file and a link. */
export async function createUploads(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let number = 0; number < 300; number += 1) {
    const kind = number % 10 < 5 ? 'pdf' : number % 10 < 8 ? 'png' : 'txt';
    const path = join(
      folder,
      String(2024 + (number % 3)),
      String(1 + (number % 12)).padStart(2, '0'),
      `${kind === 'png' ? 'photo' : 'receipt'}-${String(number).padStart(4, '0')}.${kind}`,
    );
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, content(kind, number));
    await chmod(path, number % 7 === 0 ? 0o600 : number % 11 === 0 ? 0o444 : 0o640);
    const modified = new Date(firstModified + number * day + number * 137);
    await utimes(path, modified, modified);
  }
  for (const [name, text] of [
    ['Übersicht – 概要.txt', 'All documents by year and month.\n'],
    ['.empty', ''],
  ] as const) {
    await writeFile(join(folder, name), text);
    await utimes(join(folder, name), new Date(firstModified), new Date(firstModified));
  }
  await symlink('2026', join(folder, 'current'));
}

function content(kind: 'pdf' | 'png' | 'txt', number: number): Buffer {
  const header = `invoice ${number}\n`;
  if (kind === 'txt')
    return Buffer.from(
      Array.from(
        { length: 40 + number },
        (_, line) => `${line + 1}. ${header.trim()}: item ${(line * 7919 + number) % 1009}, checked\n`,
      ).join(''),
    );
  const size = kind === 'pdf' ? 120_000 + (number % 17) * 15_000 : 160_000 + (number % 13) * 20_000;
  const body = noise(number, size);
  if (kind === 'png') return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), body, Buffer.from('0000000049454e44ae426082', 'hex')]);
  /* Half of a scanned document is its letterhead and fonts, which are the same in all of them. */
  const fonts = noise(-1, Math.floor(size / 4));
  return Buffer.concat([Buffer.from(`%PDF-1.7\n% ${header}`), fonts, body.subarray(fonts.length), Buffer.from('\n%%EOF\n')]);
}

/** Bytes that do not compress, and are the same for the same number. */
function noise(number: number, size: number): Buffer {
  const key = createHash('sha256').update(`holdfast demo ${number}`).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}
