/** `npm run lint`: everything about the code that can be judged without running it. Silent where all is well. */
import { runTool, type ProgramResult } from './run-program.ts';

interface Check {
  readonly name: string;
  run(): Promise<ProgramResult>;
}

const checks: readonly Check[] = [
  { name: 'types (tsc)', run: () => runTool('tsc', ['-p', '.']) },
  {
    name: 'rules and architecture (oxlint)',
    run: () => runTool('oxlint', ['--type-aware', '--deny-warnings', '--report-unused-disable-directives']),
  },
  { name: 'format (oxfmt; npm run format mends it)', run: () => runTool('oxfmt', ['--check']) },
  { name: 'unused files, exports and dependencies (knip)', run: () => runTool('knip', ['--no-progress', '--no-config-hints']) },
];

/** Runs every check, and gives back what the failing ones said: empty where all is well. */
export async function lint(): Promise<string> {
  const complaints: string[] = [];
  for (const check of checks) {
    const result = await check.run();
    if (result.status !== 0) complaints.push(`--- ${check.name}\n${result.output.trim()}\n`);
  }
  return complaints.join('\n');
}

if (import.meta.main) {
  const complaints = await lint();
  process.stdout.write(complaints === '' ? `lint: all ${checks.length} checks passed\n` : complaints);
  process.exitCode = complaints === '' ? 0 : 1;
}
