#!/usr/bin/env node
/** Where the program starts. It loads as little as it can: a command's own file, and what that needs. */
import { setFlagsFromString } from 'node:v8';
import { readVersion } from '../util/program-version.ts';

// Each thread's heap stays near what it uses, instead of growing before it collects; it costs no time that can be measured.
setFlagsFromString('--optimize-for-size');

const words = process.argv.slice(2);

if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  // A reader that went away is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => (process.exitCode = error.code === 'EPIPE' ? 0 : 1));
  process.stdout.write(`${readVersion()}\n`);
} else {
  const { runCommandLine } = await import('./run-command-line.ts');
  process.exitCode = await runCommandLine(words);
}
