/** How a message was taken, or why it was not. */

export interface Delivery {
  /** What the other side said: `200 ok`. */
  readonly answer: string;
  /** It was sent, but not to everybody: why. */
  readonly problem?: string;
}

/** A message that was not taken. Its text has no secret in it. */
export class DeliveryFailure extends Error {
  override readonly name = 'DeliveryFailure';
  /** To try again at once is of no use: the other side has said no. */
  readonly final: boolean;

  constructor(message: string, { final = false }: { readonly final?: boolean } = {}) {
    super(message);
    this.final = final;
  }
}

const mask = '***';
const shortest = 4;

/** Takes secrets out of what somebody else said: each as it is, and the path and the parameters of each that is an address. */
export function scrub(text: string, secrets: readonly string[]): string {
  const parts = secrets.flatMap((secret) => {
    const url = URL.parse(secret);
    return url === null
      ? [secret]
      : [secret, url.href, `${url.pathname}${url.search}`, url.pathname, url.password, ...url.pathname.split('/')];
  });
  let clean = text;
  for (const part of parts.filter(({ length }) => length >= shortest).toSorted((a, b) => b.length - a.length))
    clean = clean.replaceAll(part, mask);
  return clean;
}
