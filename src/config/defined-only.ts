type Defined<Value> = { [Key in keyof Value]: Exclude<Value[Key], undefined> };

/** Without the keys whose values are undefined. */
export function definedOnly<Value extends object>(value: Value): Partial<Defined<Value>> {
  const defined: Partial<Defined<Value>> = {};
  for (const key in value) {
    const each = value[key];
    if (isDefined(each)) defined[key] = each;
  }
  return defined;
}

function isDefined<Value>(value: Value): value is Exclude<Value, undefined> {
  return value !== undefined;
}
