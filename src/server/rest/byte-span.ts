/** `Range:` of a request, as far as the protocol needs it. */
export interface ByteSpan {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
}

/** The bytes asked for; undefined for the whole (also where several ranges or another unit are asked for); `outside` where there are none such. */
export function parseSpan(header: string | undefined, size: number): ByteSpan | undefined | 'outside' {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const length = Math.min(Number(to), size);
    return length === 0 ? 'outside' : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < first) return undefined;
  return first >= size ? 'outside' : { first, last };
}
