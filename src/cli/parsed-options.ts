/** The options of one command line, asked for by name and read as what they should be. */
import { HoldfastError, reasonOf } from '../errors.ts';

/** Every value given to an option, by its name without dashes; a flag that was given has an empty list. */
export type OptionValues = ReadonlyMap<string, readonly string[]>;

export class ParsedOptions {
  /** For messages: `holdfast backup`. */
  readonly command: string;
  readonly #values: OptionValues;

  constructor(command: string, values: OptionValues) {
    this.command = command;
    this.#values = values;
  }

  /** Whether the option was given. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The last value given, so that a later one overrides an earlier one. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  /** Every value given. */
  texts(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** Every value given, separated by commas or by repeating the option. */
  list(name: string): readonly string[] {
    return this.texts(name)
      .flatMap((text) => text.split(','))
      .map((text) => text.trim())
      .filter((text) => text !== '');
  }

  /** The last value given as `read` understands it. Throws `usage` with what `read` throws. */
  value<Value>(name: string, read: (text: string) => Value): Value | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    try {
      return read(text);
    } catch (error) {
      throw this.wrong(`--${name} "${text}" ${reasonOf(error)}`);
    }
  }

  /** A `usage` error about this command line. */
  wrong(reason: string): HoldfastError {
    return new HoldfastError('usage', { reason, help: `${this.command} --help` });
  }

  /** Throws `usage` when more than one of these options was given. */
  onlyOneOf(...names: readonly string[]): void {
    const given = names.filter((name) => this.has(name));
    if (given.length > 1) throw this.wrong(`${given.map((name) => `--${name}`).join(' and ')} exclude each other`);
  }
}
