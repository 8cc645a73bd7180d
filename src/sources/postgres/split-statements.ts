/** Cuts SQL as pg_dumpall writes it into statements: quotes and `--` comments are understood, dollar quotes do not occur. */
const token = /--[^\n]*|\\(?:un)?restrict [^\n]*|[eE]'(?:\\.|''|[^'\\])*'|'[^']*'|"[^"]*"|;|[^-\\'";eE]+|[\s\S]/gy;

/** The statements without their semicolons and comments. A last one that has no semicolon is left out: it may be cut. */
export function* splitStatements(sql: string): Generator<string, void, undefined> {
  let statement = '';
  for (const [part] of sql.matchAll(token)) {
    if (part === ';') {
      if (statement.trim() !== '') yield statement.trim();
      statement = '';
    } else if (!part.startsWith('--') && !part.startsWith('\\')) {
      statement += part;
    }
  }
}
