/** Texts for a holdfast.yaml: in quotes where YAML would read something else, with `$$` for a dollar sign. */

/** Inside `{ }` or `[ ]` too. */
export function quote(text: string): string {
  const escaped = text.replaceAll('$', '$$$$');
  const isPlain =
    /^[A-Za-z./~][A-Za-z0-9._/@~+-]*(:\/\/?[A-Za-z0-9._/@~+:%=-]+)?$/.test(escaped) &&
    !/^(true|false|null|yes|no|on|off|~|\.(inf|nan))$/i.test(escaped);
  return isPlain ? escaped : JSON.stringify(escaped);
}

export function quoteList(texts: readonly string[]): string {
  return `[${texts.map(quote).join(', ')}]`;
}
