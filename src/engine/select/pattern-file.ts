/** Lists of patterns in a file, one a line. */

/** What `$NAME` stands for; a name that is not there stands for nothing. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The patterns in a file's text: white space around a line, empty lines and lines that begin with `#` do not count; `$NAME` and
 * `${NAME}` are replaced from `env`, and `$$` is one dollar.
 */
export function readPatternFile(text: string, env: Environment): string[] {
  return splitLines(text)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => expandVariables(line, env));
}

/** The lines of a text: `\n` or `\r\n` ends one, a byte order mark at the beginning does not count. */
export function splitLines(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
}

/* Go's os.Expand: one special character or digit, a name, or anything in braces; braces with nothing in them or never closed vanish. */
const variable = /\$(?:\{([^}]*)\}|\{|([*#$@!?\-0-9])|(\w+))/g;

function expandVariables(line: string, env: Environment): string {
  return line.replaceAll(variable, (_match, braced?: string, special?: string, word?: string) => {
    const name = braced ?? special ?? word ?? '';
    return name === '$' ? '$' : (env[name] ?? '');
  });
}
