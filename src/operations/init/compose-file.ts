/** What a Compose file says about an application. Only what `holdfast init` looks at is read; whatever else is there does not matter. */
import { plainValueOf } from '../../config/located-tree.ts';
import { parseYaml } from '../../config/parse-yaml.ts';

export interface ComposeFile {
  /** `name:` at its top. */
  readonly project?: string;
  readonly services: readonly ComposeService[];
}

export interface ComposeService {
  readonly name: string;
  readonly image: string;
  /** Context and file of its build, in one text. */
  readonly build: string;
  readonly command: string;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly ComposeMount[];
  readonly dependsOn: readonly string[];
  readonly hasHealthCheck: boolean;
  /** Ports of the host, as they are written. */
  readonly ports: readonly string[];
}

export interface ComposeMount {
  readonly kind: 'volume' | 'bind';
  /** The volume's name in the file, or the path on the host. */
  readonly source: string;
  readonly target: string;
}

/** As Compose allows for services, volumes and projects. */
const nameForm = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** Undefined where it is no Compose file that can be read. Never throws. */
export function parseComposeFile(text: string): ComposeFile | undefined {
  const { tree, problems } = parseYaml(text);
  if (tree === undefined || problems.length > 0) return undefined;
  const content = mappingOf(plainValueOf(tree));
  const services = Object.entries(mappingOf(content['services'])).filter(([name]) => nameForm.test(name));
  const { name } = content;
  return {
    services: services.map(([service, described]) => readService(service, mappingOf(described))),
    ...(typeof name === 'string' && nameForm.test(name) ? { project: name } : {}),
  };
}

function readService(name: string, service: Mapping): ComposeService {
  const build = service['build'];
  return {
    name,
    image: textOf(service['image']),
    build: typeof build === 'string' ? build : `${textOf(mappingOf(build)['context'])} ${textOf(mappingOf(build)['dockerfile'])}`.trim(),
    command: [service['command'], service['entrypoint']].flatMap(listOf).map(textOf).join(' '),
    environment: readEnvironment(service['environment']),
    mounts: listOf(service['volumes']).flatMap(readMount),
    dependsOn: namesOf(service['depends_on']),
    hasHealthCheck: Object.keys(mappingOf(service['healthcheck'])).length > 0 && mappingOf(service['healthcheck'])['disable'] !== true,
    ports: listOf(service['ports']).flatMap(readPort),
  };
}

function readEnvironment(value: unknown): ReadonlyMap<string, string> {
  if (Array.isArray(value)) {
    return new Map(
      value.map(textOf).map((line): [string, string] => {
        const at = line.indexOf('=');
        return at === -1 ? [line, `\${${line}}`] : [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  }
  // A variable without a value is taken from the environment.
  return new Map(Object.entries(mappingOf(value)).map(([name, each]) => [name, each === null ? `\${${name}}` : textOf(each)]));
}

/** `source:target:ro`, or the same as a mapping. What has no source is nobody's data. */
function readMount(value: unknown): ComposeMount[] {
  if (typeof value === 'string') {
    const [source = '', target] = value.split(/:(?![^{]*\})/);
    return target === undefined ? [] : usable({ kind: isPath(source) ? 'bind' : 'volume', source, target });
  }
  const { type, source, target } = mappingOf(value);
  if (typeof source !== 'string' || (type !== 'volume' && type !== 'bind')) return [];
  return usable({ kind: type, source, target: textOf(target) });
}

/** What is named by a variable, or by nothing that could be a name, is passed over. */
function usable(mount: ComposeMount): ComposeMount[] {
  const isNamed = mount.kind === 'volume' ? nameForm.test(mount.source) : mount.source !== '' && !/[$~\0]/.test(mount.source);
  return isNamed ? [mount] : [];
}

function isPath(source: string): boolean {
  return /^[./~$]/.test(source);
}

/** `8080:80`, `127.0.0.1:8080:80/tcp`, or a mapping. */
function readPort(value: unknown): string[] {
  const published = mappingOf(value)['published'];
  if (published !== undefined) return [textOf(published)];
  const parts = textOf(value).split(/:(?![^{]*\})/);
  return parts.length < 2 ? [] : [parts.at(-2) ?? ''];
}

type Mapping = Readonly<Record<string, unknown>>;

const nothing: Mapping = {};

function mappingOf(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : nothing;
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

function namesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(textOf) : Object.keys(mappingOf(value));
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
