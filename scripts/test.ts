/**
 * `npm test`: prepares the machine, lints, runs every test. Quiet where all is well, everything that was said where it is not.
 * The last line counts: `N passed, N failed`. Arguments are filters for vitest (`npm test -- src/policy`); lint is left out then.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { lint } from './lint.ts';
import { prepareSystem } from './prepare-system.ts';
import { runTool } from './run-program.ts';

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const filters = process.argv.slice(2);
const nothingRan: Count = { passed: 0, failed: 1, skipped: 0 };

const total = sum([...(filters.length === 0 ? [await countLint()] : []), await countTests()]);
process.stdout.write(`${describe(total)}\n`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** Lint counts as one test. */
async function countLint(): Promise<Count> {
  const complaints = await lint();
  process.stdout.write(complaints === '' ? 'lint: passed\n' : `lint: failed\n${complaints}\n`);
  return complaints === '' ? { passed: 1, failed: 0, skipped: 0 } : nothingRan;
}

async function countTests(): Promise<Count> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  try {
    await prepareSystem();
    const report = join(folder, 'report.json');
    const result = await runTool('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...filters]);
    const count = await readReport(report).catch(() => nothingRan);
    // A file that does not load, or an error outside every test, fails the run without a failed test.
    const trusted = result.status !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
    if (trusted.failed > 0) process.stdout.write(`${result.output}\n`);
    process.stdout.write(`tests: ${describe(trusted)} in ${Math.round(result.seconds)} s\n`);
    return trusted;
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return nothingRan;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readReport(path: string): Promise<Count> {
  const schema = z.object({
    numPassedTests: z.number(),
    numFailedTests: z.number(),
    numPendingTests: z.number(),
    numTodoTests: z.number(),
    testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) })),
  });
  const report = schema.parse(JSON.parse(await readFile(path, 'utf8')));
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function sum(counts: readonly Count[]): Count {
  return counts.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }));
}

function describe({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
