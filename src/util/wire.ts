/**
 * Reading JSON that somebody else wrote: each function checks one value and throws a plain error that names it. Used where zod
 * would be too heavy (it takes 20 MB and 60 ms to load, and the engine's memory is measured); configuration uses zod.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

export function readObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is not an object`);
  return value as JsonObject;
}

export function readArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} is not a list`);
  return value;
}

export function readString(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Error(`${what} is not a string`);
  return value;
}

/** A whole number from `least` to `most`. */
export function readInteger(value: unknown, what: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    throw new Error(`${what} is not a whole number from ${least} to ${most}`);
  return value;
}

/** A list of strings; absent or null is an empty one. */
export function readStrings(value: unknown, what: string): string[] {
  if (value === undefined || value === null) return [];
  return readArray(value, what).map((item) => readString(item, what));
}

/** 64 lower-case hex digits. */
export function readId(value: unknown, what: string): string {
  const text = readString(value, what);
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Error(`${what} is not an id`);
  return text;
}
