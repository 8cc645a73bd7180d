/** What the demo's proof comes to. */
import type { Fingerprint } from './fingerprint.ts';

export interface Verdict {
  readonly proved: boolean;
  /** One line each for what is different or went wrong. */
  readonly reasons: readonly string[];
  /** `PROVED: …` or `NOT PROVED: …`. */
  readonly line: string;
}

/** Proved only where every fact is the same as before, there was something to compare, and nothing else went wrong. */
export function judge(before: Fingerprint | undefined, after: Fingerprint | undefined, failures: readonly string[] = []): Verdict {
  const reasons = [
    ...failures,
    ...(failures.length === 0 && (before === undefined || after === undefined) ? ['nothing was compared'] : []),
    ...(before === undefined || after === undefined ? [] : compareFacts(before.facts, after.facts)),
  ];
  const [proved, count] = [reasons.length === 0, before === undefined ? 0 : countFacts(before, 'file')];
  const line = proved
    ? `PROVED: ${before === undefined ? 0 : countFacts(before, 'table')} tables with ${before?.rows ?? 0} rows and ${count} files are exactly as before.`
    : `NOT PROVED: ${reasons.length} ${reasons.length === 1 ? 'thing is not as it must be' : 'things are not as they must be'}.`;
  return { proved, reasons, line };
}

/** How many facts of a kind, such as `table`. */
export function countFacts({ facts }: Fingerprint, kind: string): number {
  return [...facts.keys()].filter((name) => name.startsWith(`${kind} `)).length;
}

function compareFacts(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => `${name}: ${before.get(name) ?? 'was not there'} → ${after.get(name) ?? 'is gone'}`);
}
