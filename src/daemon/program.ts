/** How the daemon starts holdfast itself: the same program, by the same Node.js. */
import { fileURLToPath } from 'node:url';

export interface Program {
  readonly file: string;
  /** Words before those of the command line. */
  readonly args: readonly string[];
}

/** This program, whether it runs from src/ or from dist/. */
export function ownProgram(): Program {
  const ending = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return {
    file: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL(`../cli/main${ending}`, import.meta.url))],
  };
}
