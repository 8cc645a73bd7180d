import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Tests of the whole take minutes each: where they come last, one worker has nothing to do for as long. */
class WholeFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isWhole = ({ moduleId }: TestSpecification): boolean => /\/test\/(chaos|e2e|physical|house|demo)\//.test(moduleId);
    const sorted = await super.sort(files);
    return [...sorted.filter(isWhole), ...sorted.filter((file) => !isWhole(file))];
  }
}

export default defineConfig({
  test: {
    include: ['{src,test,bench}/**/*.test.ts'],
    pool: 'forks',
    // Tests start databases and whole backups: two at a time is what a small machine bears.
    maxWorkers: 2,
    sequence: { sequencer: WholeFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
});
