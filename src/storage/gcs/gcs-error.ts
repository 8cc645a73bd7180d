/** What Google refused, as one of our errors. */
import { z } from 'zod';
import { HoldfastError } from '../../errors.ts';
import type { FailedAccess, StorageAction } from '../file-error.ts';

const errorForm = z.object({
  error: z.object({ message: z.string().optional(), errors: z.array(z.object({ reason: z.string().optional() })).optional() }),
});

export interface GcsAnswer {
  readonly status: number;
  /** Google's words. */
  readonly message: string;
  /** Google's word for it (`rateLimitExceeded`), or an empty one. */
  readonly reason: string;
}

/** Reads the body of an answer that is no success: JSON, or plain text where content was asked for. */
export function readAnswer(status: number, text: string): GcsAnswer {
  const { message = '', reason = '' } = parse(text) ?? { message: text };
  /* It goes to a terminal. */
  return {
    status,
    message: message
      .replaceAll(/[\0-\x1f\x7f]+/g, ' ')
      .trim()
      .slice(0, 300),
    reason: /^\w{1,60}$/.test(reason) ? reason : '',
  };
}

function parse(text: string): { message?: string | undefined; reason?: string | undefined } | undefined {
  try {
    const { error } = errorForm.parse(JSON.parse(text));
    return { message: error.message, reason: error.errors?.[0]?.reason };
  } catch {
    return undefined;
  }
}

const rights: Readonly<Record<StorageAction, string>> = {
  create: 'storage.buckets.create',
  read: 'storage.objects.get',
  write: 'storage.objects.create (and storage.objects.delete, to replace)',
  list: 'storage.objects.list',
  remove: 'storage.objects.delete',
};

/** True where it is the bucket that is missing, not an object in it. */
export function lacksBucket({ status, message }: GcsAnswer): boolean {
  return status === 404 && /bucket does not exist/i.test(message);
}

/**
 * The HoldfastError for an answer that is no success.
 * @param ifAbsent whether a taken key was to be refused
 */
export function toGcsError(answer: GcsAnswer, access: FailedAccess, ifAbsent = false): HoldfastError {
  const { status, message } = answer;
  const { action, key, location } = access;
  const cause = new Error(`Google answered ${status}: ${message}`);
  if (status === 412 && ifAbsent) return new HoldfastError('storage-exists', { key, location }, cause);
  if (status === 507) return new HoldfastError('storage-full', { location }, cause);
  const setup = setupOf(answer);
  if (setup !== undefined) return new HoldfastError('storage-setup', { location, ...setup }, cause);
  if (status === 404 && action === 'read') return new HoldfastError('storage-missing', { key, location }, cause);
  const until = isKept(answer) ? /until (\d{4}-\d\d-\d\d[T ][\d:.]+\S*)/.exec(message)?.[1] : undefined;
  if (until !== undefined) return new HoldfastError('storage-locked', { key, location, until: until.replace(/\.$/, '') }, cause);
  const refused = refusalOf(answer, action);
  if (refused !== undefined) return new HoldfastError('storage-refused', { action, key, location, ...refused }, cause);
  return new HoldfastError(
    'storage-failed',
    { action, key, location, reason: `the server answered ${status}${message === '' ? '' : ` (${message})`}` },
    cause,
  );
}

interface Remedy {
  readonly reason: string;
  readonly help: string;
}

function setupOf(answer: GcsAnswer): Remedy | undefined {
  if (lacksBucket(answer)) {
    return {
      reason: 'there is no such bucket',
      help: 'Check the name; "holdfast repo init" makes the bucket where GOOGLE_PROJECT_ID says in which project',
    };
  }
  if (answer.status === 401) {
    return {
      reason: 'the server does not accept the credentials',
      help: 'Check GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_ACCESS_TOKEN (a token lives for an hour), and the clock of this machine',
    };
  }
  if (answer.reason === 'accountDisabled' || answer.reason === 'UserProjectAccountProblem' || answer.reason === 'userProjectAccountProblem')
    return { reason: `the project is closed (${answer.message})`, help: 'Check the billing of the project' };
  return undefined;
}

function isKept({ reason, message }: GcsAnswer): boolean {
  return /retentionPolicyNotMet|objectUnderActiveHold/i.test(reason) || /retention policy|active hold/i.test(message);
}

/** Undefined for what a second attempt may bring. */
function refusalOf(answer: GcsAnswer, action: StorageAction): Remedy | undefined {
  const { status, message, reason } = answer;
  if (status === 403 && /rateLimitExceeded/i.test(reason)) return undefined;
  if (isKept(answer)) return { reason: 'a retention policy or a hold keeps it as it is', help: 'Wait until it ends, or release the hold' };
  if (status === 403) {
    const right = /storage\.[a-z]+\.[a-zA-Z]+/.exec(message)?.[0] ?? rights[action];
    return {
      reason: `access is denied${reason === '' || reason === 'forbidden' ? '' : ` (${reason})`}`,
      help: `The key needs the right ${right}`,
    };
  }
  const isDamage = status === 400 && /(md5|crc32c).*(match|hash)/i.test(message);
  const isForGood = status >= 300 && status < 500 && ![404, 408, 409, 412, 429].includes(status);
  if (isForGood && !isDamage)
    return { reason: `the server answered ${status} (${message})`, help: 'See what that means in the documentation of Cloud Storage' };
  return undefined;
}
