/** What a point's own configuration says, where the machine has none: enough to drill what needs no live server. */
import type { Configuration } from '../../config/configuration.ts';
import { parseConfiguration } from '../../config/parse-configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import { findManifests, readRecordsOf } from '../application/find-manifest.ts';
import type { ApplicationContext } from '../application/application-tools.ts';
import { restoredEnvironment } from '../application/referenced-variables.ts';
import { applicationOf, type Point } from '../points.ts';

/** One with no components where the point was made without. Throws `damaged`. */
export async function configurationOfPoint(
  repository: Repository,
  point: Point,
  { environment, events }: ApplicationContext,
): Promise<Configuration> {
  const bare = `application: ${JSON.stringify(applicationOf(point) ?? 'points without a configuration')}\nrepositories: { here: /nowhere }\ncomponents: { none: { files: /nowhere } }\n`;
  const parse = (text: string, file: string, variables: ApplicationContext['environment']): Configuration | undefined => {
    const parsed = parseConfiguration(text, { file, environment: variables });
    return 'configuration' in parsed ? parsed.configuration : undefined;
  };
  if (findManifests([point]).length > 0) {
    const { text, variables, manifest } = await readRecordsOf(repository, point);
    const found = parse(text, manifest.configuration.file, restoredEnvironment(text, variables, environment));
    if (found !== undefined) return found;
    events({ type: 'notice', message: 'The configuration in the point is not understood, so what needs it is restored without.' });
  }
  const nothing = parse(bare, '/holdfast.yaml', {});
  if (nothing === undefined) throw new TypeError('the bare configuration is one');
  return { ...nothing, components: [] };
}
