/** Facts about the same things from two sides: where both say something, the second counts. */
export function joinFacts<Fact>(
  first: readonly Fact[],
  second: readonly Fact[] | undefined,
  nameOf: (fact: Fact) => string,
): readonly Fact[] {
  const byName = new Map(first.map((fact) => [nameOf(fact), fact]));
  for (const fact of second ?? []) byName.set(nameOf(fact), { ...byName.get(nameOf(fact)), ...fact });
  return [...byName.values()];
}
