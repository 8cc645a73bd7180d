/** Reads configuration files and makes their templates, together: a secret of one is blanked in all. */
import { readFile, stat } from 'node:fs/promises';
import { reasonOf } from '../../errors.ts';
import { captureName, listFiles } from './find-config-files.ts';
import { addTemplateNotice, blankSecrets } from './template/blank-secrets.ts';
import { chooseDialect } from './template/choose-dialect.ts';

export interface Template {
  /** Relative to the application's folder, with forward slashes; below `@outside` where it lies elsewhere. */
  readonly name: string;
  readonly bytes: Buffer;
  readonly mode: number;
  readonly modified: Date;
  /** How many values were blanked. */
  readonly blanked: number;
}

export interface Templates {
  readonly templates: readonly Template[];
  /** Files of which no template could be made. */
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
}

interface ConfigText {
  readonly path: string;
  readonly text: string;
  readonly encoding: 'utf8' | 'latin1';
  readonly mode: number;
  readonly modified: Date;
}

/** Larger ones are data. */
const largestFile = 4 * 1024 * 1024;

export async function makeTemplates(folder: string, roots: readonly string[]): Promise<Templates> {
  const refused: { path: string; reason: string }[] = [];
  const texts: ConfigText[] = [];
  for (const path of await listFiles(roots)) {
    const read = await readText(path);
    if (typeof read === 'string') refused.push({ path, reason: read });
    else texts.push(read);
  }
  const known = new Set(texts.flatMap(({ path, text }) => blankSecrets(text, chooseDialect(path)).secrets));
  const templates = texts.map(({ path, text, encoding, mode, modified }): Template => {
    const dialect = chooseDialect(path);
    const { text: blankedText, blanked } = blankSecrets(text, dialect, known);
    return {
      name: captureName(folder, path),
      bytes: Buffer.from(addTemplateNotice(blankedText, dialect, blanked), encoding),
      mode,
      modified,
      blanked,
    };
  });
  return { templates, refused };
}

/** The file's text, or why there is no template of it. */
async function readText(path: string): Promise<ConfigText | string> {
  try {
    const { mode, mtime, size } = await stat(path);
    if (size > largestFile) return 'it is larger than 4 MiB, and so no template is made of it';
    const bytes = await readFile(path);
    if (bytes.includes(0)) return 'it is binary, and so no template is made of it (secrets: encrypted saves it whole)';
    const attributes = { path, mode: mode & 0o777, modified: mtime };
    const utf8 = decodeUtf8(bytes);
    /* Every byte is a character in Latin-1, so that any other text comes out as it went in. */
    return utf8 === undefined
      ? { ...attributes, text: bytes.toString('latin1'), encoding: 'latin1' }
      : { ...attributes, text: utf8, encoding: 'utf8' };
  } catch (error) {
    return reasonOf(error);
  }
}

function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
