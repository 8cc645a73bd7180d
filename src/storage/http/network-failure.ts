/** What went wrong on the way to a server, in words. */
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { FailedAccess } from '../file-error.ts';

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing answers there',
  ECONNRESET: 'the connection broke off',
  EPIPE: 'the connection broke off',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'the server does not answer',
};

/* Of TLS: trying again changes nothing. */
const distrust = /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT|ERR_SSL_)/;

/** The error for a request that got no whole answer: `storage-failed`, or `storage-setup` where the server's certificate is not trusted. */
export function networkFailure(error: unknown, access: FailedAccess, host: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = codeOf(error);
  /* The error of a library may hold the request, and with it a signature or a token. */
  const cause = new Error(reasonOf(error).slice(0, 300));
  if (code !== undefined && distrust.test(code)) {
    return new HoldfastError(
      'storage-setup',
      {
        location: access.location,
        reason: `${host} is not trusted (${code})`,
        help: 'Check the address and the clock; where the server has a certificate of your own authority, name its file in RESTIC_CACERT',
      },
      cause,
    );
  }
  const known = code === undefined ? undefined : reasons[code];
  return new HoldfastError('storage-failed', { ...access, reason: known === undefined ? cause.message : `${known} (${host})` }, cause);
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  /* Several addresses of one host were tried. */
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error.cause === undefined ? undefined : codeOf(error.cause);
}
