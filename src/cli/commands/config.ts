import { exitStatus } from '../../errors.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import type { LoadOptions } from '../../config/load-configuration.ts';

export const configCheckCommand: CommandDescription = {
  name: 'config check',
  description:
    'Reads the configuration, and prints what it describes. Every error in it is told with its line and column, what was found, what is allowed, and the nearest right word; then the exit status is 2. Nothing is connected to, and no secret is read.',
  examples: ['config check', 'config check -c production/holdfast.yaml --profile production'],
  run: async (context) => {
    const { configurationError, inspectConfiguration } = await import('../../config/load-configuration.ts');
    const { describeConfiguration, describeProblem } = await import('../print/print-configuration.ts');
    const { output } = context;
    const found = inspectConfiguration(loadOptions(context));
    if ('problems' in found) {
      if (output.json) for (const problem of found.problems) output.finding(describeProblem(found.file, problem), () => '');
      throw configurationError(found, process.cwd());
    }
    const { record, text } = describeConfiguration(found);
    output.result(record, text);
    return exitStatus.done;
  },
};

export const configShowCommand: CommandDescription = {
  name: 'config show',
  description:
    'Prints the whole configuration as it is understood: the chosen profile merged, variables and defaults filled in, paths absolute, nothing short. Secrets are shown as ***.',
  examples: ['config show', 'config show --profile production --json'],
  run: async (context) => {
    const { loadWithSurroundings } = await import('../../config/load-configuration.ts');
    const { showConfiguration } = await import('../print/print-configuration.ts');
    const { record, text } = showConfiguration(loadWithSurroundings(loadOptions(context)));
    context.output.result(record, text);
    return exitStatus.done;
  },
};

export const configSchemaCommand: CommandDescription = {
  name: 'config schema',
  description:
    'Prints the JSON Schema of holdfast.yaml. With it an editor completes keys and marks errors: write it to a file, and begin holdfast.yaml with the line "# yaml-language-server: $schema=./holdfast.schema.json".',
  examples: ['config schema > holdfast.schema.json'],
  run: async ({ output }) => {
    const { makeJsonSchema } = await import('../../config/json-schema.ts');
    const schema = makeJsonSchema();
    output.result(schema, () => JSON.stringify(schema, undefined, 2));
    return exitStatus.done;
  },
};

function loadOptions({ options, environment }: CommandContext): LoadOptions {
  return { file: options.text('config'), folder: process.cwd(), environment, profile: options.text('profile') };
}
