import { readFileSync } from 'node:fs';
import { readObject, readString } from './wire.ts';

/** The version in package.json, which lies at the same distance from src/ and from dist/. */
export function readVersion(): string {
  const json: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return readString(readObject(json, 'package.json')['version'], 'the version');
}
