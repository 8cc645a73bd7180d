/** Errors as the HTTP interface sends them: the catalogue's code, sentence and hint. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { HoldfastError, toHoldfastError, type ErrorCode, type ErrorDetails } from '../errors.ts';

/** An error with the HTTP status that it is answered with. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: ContentfulStatusCode;
  readonly reason: HoldfastError;

  constructor(status: ContentfulStatusCode, code: ErrorCode, details: ErrorDetails) {
    const reason = new HoldfastError(code, details);
    super(reason.message);
    this.status = status;
    this.reason = reason;
  }
}

/** The body of any failure. What nobody foresaw says no more than that: its own words may hold anything. */
export function answerError(context: Context, error: unknown): Response {
  const status = error instanceof ApiError ? error.status : 500;
  const known = error instanceof ApiError ? error.reason : toHoldfastError(error);
  const { code, message, hint } =
    known.code === 'internal' ? new HoldfastError('internal', { reason: 'it is in the log of the daemon' }) : known;
  if (status === 401) context.header('WWW-Authenticate', 'Bearer realm="holdfast"');
  if (status === 429) context.header('Retry-After', '60');
  return context.json({ error: code, message, hint }, status);
}
