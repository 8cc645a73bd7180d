import { exitStatus } from '../../errors.ts';
import type { CommandDescription } from '../command-description.ts';
import { readVersion } from '../../util/program-version.ts';

export const versionCommand: CommandDescription = {
  name: 'version',
  description: 'Prints the version of holdfast, of Node and of the platform.',
  examples: ['version --json'],
  run: ({ output }) => {
    const record = {
      message_type: 'version',
      version: readVersion(),
      node: process.version,
      platform: process.platform,
      arch: process.arch,
    };
    output.result(record, () => `holdfast ${record.version}, Node ${record.node} on ${record.platform}/${record.arch}`);
    return Promise.resolve(exitStatus.done);
  },
};
