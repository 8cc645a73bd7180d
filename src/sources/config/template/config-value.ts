/** A value of a configuration file, and where it stands in the text: what blanking and filling both work on. */
export interface ConfigValue {
  /** Its name: `DB_PASSWORD`, `services.db.environment.POSTGRES_PASSWORD`. For a comment, ''. */
  readonly name: string;
  /** Where the value itself stands, without its quotes. */
  readonly start: number;
  readonly end: number;
  /**
   * `guarded`: everything goes that is not of a harmless kind (an environment file). `secret`: its name promises a secret. `open`: only what
   * looks like a secret goes. `comment`: as `open`, and it has no name.
   */
  readonly kind: 'guarded' | 'secret' | 'open' | 'comment';
  /** The quote around it, '' where there is none. */
  readonly quote: '"' | "'" | '`' | '';
  /** Set where a blanked value must stand in quotes although the value does not: a number in JSON. */
  readonly quoteWhenBlanked?: '"';
  /** Set for a block of lines in YAML: the spaces before each. The range is that of whole lines without the last line end. */
  readonly indent?: string;
}

/** A way of writing configuration. */
export interface Dialect {
  readonly name: 'env' | 'yaml' | 'json' | 'ini' | 'conf' | 'properties' | 'password-list' | 'unknown';
  /** What begins a comment line; absent where the format knows none. */
  readonly comment?: string;
  /** The values and comments of a text, in order, never overlapping. Takes any text: what it does not understand is taken line by line. */
  readValues(text: string): ConfigValue[];
}
