/** Loaded before the programs that a test runs (`node --import`): what they take for now is so many milliseconds later, or earlier. */
const shiftMs = Number(process.env['SABOTAGE_CLOCK'] ?? 0);

if (shiftMs !== 0) {
  globalThis.Date = new Proxy(Date, {
    construct: (real, words: unknown[], made) => {
      const moment: unknown = Reflect.construct(real, words.length === 0 ? [nowOf(real)] : words, made);
      return moment instanceof real ? moment : new real(Number.NaN);
    },
    get: (real, key) => (key === 'now' ? () => nowOf(real) : (Reflect.get(real, key) as unknown)),
  });
}

function nowOf(real: DateConstructor): number {
  return new real().getTime() + shiftMs;
}
