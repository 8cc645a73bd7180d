/** What `backup` takes and leaves out: the options that name files, folders and patterns. */
import { readFileSync } from 'node:fs';
import { HoldfastError, reasonOf } from '../errors.ts';
import type { TreeSelection } from '../sources/source.ts';
import type { CommandContext } from './command-context.ts';
import type { OptionDescription } from './command-description.ts';
import { readSize } from './option-values.ts';

export const fileOptions: readonly OptionDescription[] = [
  { flags: '--files <path...>', text: 'files or folders to back up' },
  { flags: '--files-from <file>', text: 'a file with patterns of what to back up, one a line; - for stdin' },
  { flags: '--files-from-verbatim <file>', text: 'a file with paths to back up, one a line, taken as they are' },
  { flags: '--files-from-raw <file>', text: 'a file with paths to back up, each ended by a NUL' },
];

export const excludeOptions: readonly OptionDescription[] = [
  { flags: '-e, --exclude <pattern>', text: 'leave out what fits this pattern (may be repeated)' },
  { flags: '--iexclude <pattern>', text: 'the same whatever the case of letters' },
  { flags: '--exclude-file <file>', text: 'a file with such patterns, one a line' },
  { flags: '--iexclude-file <file>', text: 'the same whatever the case of letters' },
];

export const folderExcludeOptions: readonly OptionDescription[] = [
  { flags: '--exclude-caches', text: 'leave out folders with a CACHEDIR.TAG' },
  { flags: '--exclude-if-present <name>', text: 'leave out folders that hold this file; NAME:TEXT: that begins with this text' },
  { flags: '--exclude-larger-than <size>', text: 'leave out files larger than this, such as 500M' },
  { flags: '-x, --one-file-system', text: 'stay on the file systems of the files and folders named' },
];

/** The files and folders that were named, in order; undefined where none of the options was given. */
export async function readRoots({ options }: CommandContext): Promise<string[] | undefined> {
  if (fileOptions.every(({ flags }) => !options.has(flags.slice(2, flags.indexOf(' <'))))) return undefined;
  const { expandGlob, parseFilesFrom, parseFilesFromRaw, parseFilesFromVerbatim } = await import('../engine/select/files-from.ts');
  return [
    ...options.texts('files'),
    ...options.texts('files-from').flatMap((file) => parseFilesFrom(readList(file)).flatMap(expandGlob)),
    ...options.texts('files-from-verbatim').flatMap((file) => parseFilesFromVerbatim(readList(file))),
    ...options.texts('files-from-raw').flatMap((file) => parseFilesFromRaw(readList(file))),
  ];
}

/** Patterns of `--exclude` and its kin. */
export async function readExcludes({
  options,
  environment,
}: CommandContext): Promise<Pick<TreeSelection, 'exclude' | 'excludeInsensitive'>> {
  const { readPatternFile } = await import('../engine/select/pattern-file.ts');
  const patternsOf = (file: string): string[] => readPatternFile(new TextDecoder().decode(readList(file)), environment);
  const exclude = [...options.texts('exclude'), ...options.texts('exclude-file').flatMap(patternsOf)];
  const excludeInsensitive = [...options.texts('iexclude'), ...options.texts('iexclude-file').flatMap(patternsOf)];
  return { ...(exclude.length === 0 ? {} : { exclude }), ...(excludeInsensitive.length === 0 ? {} : { excludeInsensitive }) };
}

/** Everything that a backup leaves out. */
export async function readSelection(context: CommandContext): Promise<TreeSelection> {
  const { options } = context;
  const largest = options.value('exclude-larger-than', readSize);
  return {
    ...(await readExcludes(context)),
    ...(options.has('exclude-caches') ? { excludeCaches: true } : {}),
    ...(options.has('exclude-if-present') ? { excludeIfPresent: options.texts('exclude-if-present') } : {}),
    ...(largest === undefined ? {} : { excludeLargerThan: largest }),
    ...(options.has('one-file-system') ? { oneFileSystem: true } : {}),
  };
}

function readList(file: string): Uint8Array {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw new HoldfastError(
      'usage',
      { reason: `the list ${file} cannot be read (${reasonOf(error)})`, help: 'holdfast backup --help' },
      error,
    );
  }
}
