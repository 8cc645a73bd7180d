/** The variables of a `.env` file, as Compose and dotenv read them. Lines that are none are passed over. */
export function parseEnvFile(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, written = ''] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const [, quoted] = /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)')/.exec(written) ?? [];
    const single = /^'([^']*)'/.exec(written)?.[1];
    variables.set(name, single ?? quoted?.replaceAll(/\\(.)/g, '$1') ?? written.replace(/\s+#.*$/, '').trim());
  }
  return variables;
}

/** A value of a Compose file with its variables filled in from `.env`; undefined where one of them is not known. */
export function fillIn(text: string, variables: ReadonlyMap<string, string>): string | undefined {
  let known = true;
  const filled = text.replaceAll(
    /\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::?([-?+])([^}]*))?\})/g,
    (whole, plain?: string, braced?: string, sign?: string, word?: string) => {
      if (whole === '$$') return '$';
      const value = variables.get(plain ?? braced ?? '') || (sign === '-' ? word : undefined);
      known &&= value !== undefined;
      return value ?? '';
    },
  );
  return known ? filled : undefined;
}
