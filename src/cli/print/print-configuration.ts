/** A configuration for people and for scripts. Secrets never. */
import { stringify } from 'yaml';
import type { ContainerAddress, SourceConfiguration } from '../../config/configuration.ts';
import type { ConfigurationProblem } from '../../config/located-tree.ts';
import { maskConfiguration, maskText } from '../../config/mask-configuration.ts';
import type { ParsedConfiguration } from '../../config/parse-configuration.ts';
import { writeOut } from '../../config/write-out.ts';
import { formatTable, printable } from './table.ts';

interface Printed {
  readonly record: object;
  readonly text: () => string;
}

/** For `config check`: what there is, briefly. */
export function describeConfiguration({ configuration, profiles, sensitive }: ParsedConfiguration): Printed {
  const { file, application, profile, repositories, components } = configuration;
  const places = repositories.map(({ name, url }) => ({ name, url: maskText(url, sensitive) }));
  const parts = components.map(({ name, source }) => ({ name, kind: source.kind, what: maskText(describeSource(source), sensitive) }));
  const chosen = profile === undefined ? {} : { profile };
  return {
    record: { message_type: 'configuration_check', file, application, ...chosen, profiles, repositories: places, components: parts },
    text: () =>
      [
        `${printable(file)} is well: ${printable(application)}`,
        ...(profiles.length === 0
          ? []
          : [`profiles: ${profiles.map((name) => (name === profile ? `${name} (chosen)` : name)).join(', ')}`]),
        '',
        formatTable(
          ['REPOSITORY', 'ADDRESS'],
          places.map(({ name, url }) => [name, printable(url)]),
        ),
        '',
        formatTable(
          ['COMPONENT', 'KIND', 'WHAT'],
          parts.map(({ name, kind, what }) => [name, kind, printable(what)]),
        ),
      ].join('\n'),
  };
}

/** For `config show`: all of it, in the words of the file. */
export function showConfiguration({ configuration, sensitive }: ParsedConfiguration): Printed {
  const { file, folder, profile } = configuration;
  const shown = maskConfiguration(writeOut(configuration), sensitive);
  const about = profile === undefined ? file : `${file}, profile ${profile}`;
  return {
    record: { message_type: 'configuration', file, folder, ...(profile === undefined ? {} : { profile }), configuration: shown },
    text: () => `# ${printable(about)}\n${stringify(shown, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd()}`,
  };
}

/** One error of a file as a record. */
export function describeProblem(file: string, { line, column, message }: ConfigurationProblem): object {
  return { message_type: 'configuration_problem', file, line, column, message };
}

function describeSource(source: SourceConfiguration): string {
  switch (source.kind) {
    case 'postgres':
      if ('url' in source.at) return textOfUrl(source.at.url);
      return `${describeDatabases(source.databases) ?? `database ${source.at.database}`} in ${describeContainer(source.at)}`;
    case 'postgres-base':
      return `the whole server ${'url' in source.at ? textOfUrl(source.at.url) : `in ${describeContainer(source.at)}`}`;
    case 'redis':
      return 'url' in source.at ? textOfUrl(source.at.url) : describeContainer(source.at);
    case 'files':
      return source.volume === undefined ? source.paths.join(', ') : `volume ${source.volume}`;
    case 'volumes':
      return source.volumes.join(', ');
    case 'config':
      return `${source.files.join(', ')} (${source.secrets === 'template' ? 'as a template, without secrets' : 'whole, encrypted'})`;
    case 'logs':
      return `${source.services === 'all' ? 'all services' : source.services.join(', ')}, ${source.days} days`;
    case 'code':
      return source.path;
  }
}

function describeDatabases(databases: 'all' | readonly string[] | undefined): string | undefined {
  if (databases === undefined) return undefined;
  return databases === 'all' ? 'all databases' : `databases ${databases.join(', ')}`;
}

function describeContainer(at: ContainerAddress): string {
  if ('container' in at) return `container ${at.container}`;
  return `service ${at.service}${at.project === undefined ? '' : ` of project ${at.project}`}`;
}

type UrlOrSecret = Extract<Extract<SourceConfiguration, { kind: 'redis' }>['at'], { url: unknown }>['url'];

function textOfUrl(url: UrlOrSecret): string {
  if (typeof url === 'string') return url;
  if ('file' in url) return `the URL in ${url.file}`;
  return 'env' in url ? `the URL in $${url.env}` : 'a URL that is a secret';
}
