/** The retention rules of the configuration file. */
import type { ForgetByRules } from '../operations/prune.ts';
import { chooseRepository, findConfiguration, findConfiguredRepository } from './application-configuration.ts';
import type { CommandContext } from './command-context.ts';

/**
 * What the configuration says about this repository, whether it was named or its address was given, and about single components. Undefined where it
 * has no rules, or does not know the repository. Where only components have rules, everything else stays.
 */
export async function configuredRules(context: CommandContext): Promise<Pick<ForgetByRules, 'policy' | 'components'> | undefined> {
  const chosen = await chooseRepository(context);
  const repository = await findConfiguredRepository(context, chosen.url);
  const configuration = repository === undefined ? undefined : await findConfiguration(context);
  const keep = chosen.keep ?? repository?.keep;
  const own = (configuration?.components ?? []).flatMap(({ name, keep: rules }) => (rules === undefined ? [] : [[name, rules] as const]));
  if (keep === undefined && own.length === 0) return undefined;
  const components =
    configuration === undefined || own.length === 0 ? undefined : { application: configuration.application, policies: new Map(own) };
  return { policy: keep ?? {}, components };
}
