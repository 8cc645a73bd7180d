import { expect } from 'vitest';

/** Any text with this in it. (Vitest's own matcher is untyped.) */
export function containing(text: string): unknown {
  return expect.stringContaining(text);
}

/** Any value of this type. */
export function anyOf(type: NumberConstructor | StringConstructor): unknown {
  return expect.any(type);
}

/** Any text that fits. */
export function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}
