/**
 * What a command is, as data: `program.ts` makes commander's program of it (help, suggestions, documentation), `parse-arguments.ts`
 * reads plain command lines by it, and `completion.ts` makes shell scripts of it.
 */
import type { ExitStatus } from '../errors.ts';
import type { CommandContext } from './command-context.ts';

export interface OptionDescription {
  /**
   * As commander writes it: `-r, --repo <url>`, `--files <path...>`, `--no-lock`. An option with a value may be repeated; with `...` it
   * also takes every word up to the next option.
   */
  readonly flags: string;
  readonly text: string;
  readonly choices?: readonly string[];
  /** Another word for an option, kept for scripts: it is understood but not shown. */
  readonly hidden?: boolean;
}

export interface ArgumentDescription {
  /** As commander writes it: `<point>`, `[point]`, `[name...]`. */
  readonly name: string;
  readonly text: string;
}

export interface CommandDescription {
  /** `backup`, or two words for a command of a group: `key add`. */
  readonly name: string;
  readonly description: string;
  readonly arguments?: readonly ArgumentDescription[];
  readonly options?: readonly OptionDescription[];
  /** Command lines without the leading `holdfast`. At least one. */
  readonly examples: readonly string[];
  /** False: SIGHUP means something else to it. Others are ended by it, as by SIGTERM. */
  readonly isEndedByHangup?: false;
  /** What it has given up waiting for, such as a server that does not answer, would keep the process for minutes: it ends when all is printed. */
  readonly endsAtOnce?: true;
  /** Does the work, prints through the context, and says how it ended. Throws a HoldfastError when it failed. */
  run(context: CommandContext): Promise<ExitStatus>;
}

/** The parts of an option's flags. */
export interface OptionShape {
  /** Without dashes: `repo`, `no-lock`. */
  readonly name: string;
  /** One letter. */
  readonly short: string | undefined;
  readonly takesValue: boolean;
  readonly variadic: boolean;
}

const flagsForm = /^(?:-(\w), )?--([a-z][a-z0-9-]*)(?: <[^<>]+?(\.\.\.)?>)?$/;

/** Reads an option's flags. Throws a plain error for flags that are not of the form above: a defect of the description. */
export function shapeOf({ flags }: OptionDescription): OptionShape {
  const [, short, name, variadic] = flagsForm.exec(flags) ?? [];
  if (name === undefined) throw new TypeError(`the flags "${flags}" are not of the allowed form`);
  return { name, short, takesValue: flags.endsWith('>'), variadic: variadic !== undefined };
}
