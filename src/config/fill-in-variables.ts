/** `${NAME}`, `${NAME:-default}` and `$$` in the texts of a file. */
import { reasonOf } from '../errors.ts';
import { problemAt, type ConfigurationProblem, type Located, type LocatedScalar } from './located-tree.ts';
import { readValueFile } from './read-bounded-file.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface VariableSource {
  readonly environment: Environment;
  /** What a variable that is not set, and has no default, is: an error, or left as it is written. */
  readonly unset: 'refuse' | 'keep';
}

export interface FilledTree {
  readonly tree: Located;
  readonly problems: readonly ConfigurationProblem[];
  /** Values of variables that are named like secrets or came out of a file: not to be shown. */
  readonly sensitive: readonly string[];
}

/** Texts for a shell: its variables are its own matter, and putting values into them would put secrets into arguments. */
const shellKeys = new Set(['run', 'command']);
/** Where a text alone is a command. */
const shorthands = new Map([
  ['hooks', new Set(['before', 'after', 'failed'])],
  ['recovery', new Set(['after', 'smoke'])],
]);
/** Mappings whose keys are names that people choose. */
const namedByPeople = new Set(['components', 'repositories', 'profiles']);
const secretName = /PASS(WORD|PHRASE|WD)?|SECRET|TOKEN|KEY|PRIVATE|CREDENTIAL/i;
const variableForm = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;
/** Of all values together. */
const mostCharacters = 4 * 1024 * 1024;

/** Fills in variables. Each that is missing is a problem at its own column. */
export function fillInVariables(tree: Located, source: VariableSource): FilledTree {
  const filler = new Filler(source);
  const filled = filler.fill(tree, []);
  return { tree: filled, problems: filler.problems, sensitive: [...filler.sensitive] };
}

class Filler {
  readonly problems: ConfigurationProblem[] = [];
  readonly sensitive = new Set<string>();
  readonly #source: VariableSource;
  readonly #files = new Map<string, string | Error>();
  #characters = 0;

  constructor(source: VariableSource) {
    this.#source = source;
  }

  fill(node: Located, path: readonly string[]): Located {
    switch (node.type) {
      case 'scalar':
        return isForShell(path) ? node : this.#fillScalar(node);
      case 'list':
        return { ...node, items: node.items.map((item) => this.fill(item, path)) };
      case 'mapping': {
        const entries = [...node.entries].map(
          ([name, { key, value }]) => [name, { key, value: this.fill(value, [...path, name]) }] as const,
        );
        return { ...node, entries: new Map(entries) };
      }
    }
  }

  #fillScalar(node: LocatedScalar): LocatedScalar {
    if (typeof node.value !== 'string' || !node.value.includes('$')) return node;
    const written = node.value;
    let from = node.at;
    const value = written.replaceAll(/\$(?:\$|\{([^}]*)(\}?))/g, (whole, inside: string | undefined, end: string | undefined) => {
      from = Math.max(node.source.text.indexOf(whole, from), node.at);
      if (inside === undefined) return '$';
      const at = from;
      from += 1;
      return this.#valueOf(whole, end === '' ? '' : inside, { ...node, at });
    });
    return value === written ? node : { ...node, value, written };
  }

  #valueOf(whole: string, inside: string, place: LocatedScalar): string {
    const [, name, fallback] = variableForm.exec(inside) ?? [];
    if (name === undefined) {
      this.problems.push(problemAt(place, 'found ${ without a variable, allowed are ${NAME} and ${NAME:-default}; $$ is a dollar sign'));
      return whole;
    }
    const value = this.#lookUp(name, place) ?? fallback;
    if (value === undefined) {
      if (this.#source.unset === 'refuse') {
        const message = `found the variable ${name}, which is not set, allowed are variables that are set (also as ${name}_FILE), or a default: \${${name}:-VALUE}`;
        this.problems.push(problemAt(place, message));
      }
      return whole;
    }
    this.#characters += value.length;
    if (this.#characters <= mostCharacters) return value;
    if (this.#characters - value.length <= mostCharacters)
      this.problems.push(
        problemAt(place, `found values of variables that are together longer than allowed, which is ${mostCharacters} characters`),
      );
    return '';
  }

  /** The variable, or what the file holds that `NAME_FILE` names. As in a shell an empty one counts as not set where there is a default. */
  #lookUp(name: string, place: LocatedScalar): string | undefined {
    const { environment } = this.#source;
    const plain = environment[name];
    if (plain) {
      if (secretName.test(name)) this.sensitive.add(plain);
      return plain;
    }
    const file = environment[`${name}_FILE`];
    if (!file) return plain === '' ? undefined : plain;
    const known = this.#files.get(file) ?? readValue(file);
    this.#files.set(file, known);
    if (typeof known === 'string') {
      this.sensitive.add(known);
      return known;
    }
    this.problems.push(problemAt(place, `found ${name}_FILE, whose file cannot be read (${reasonOf(known)}), allowed are files that can`));
    return '';
  }
}

function readValue(file: string): string | Error {
  try {
    return readValueFile(file);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function isForShell(path: readonly string[]): boolean {
  const [above = '', last = ''] = path.slice(-2);
  if (shorthands.get(above)?.has(last) === true && !namedByPeople.has(path.at(-3) ?? '')) return true;
  return shellKeys.has(path.at(-1) ?? '') && !namedByPeople.has(above);
}
