/** What opens a bucket: a token that Google gives for credentials, kept until shortly before it ends. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { systemClock, type Clock } from '../../util/clock.ts';
import { readEnvironmentSecret } from '../environment-secret.ts';
import { failedWith } from '../file-error.ts';
import { askService, type Asking, type Question } from '../http/ask-service.ts';
import { lookUp } from '../http/web-options.ts';
import type { StorageEnvironment } from '../storage-options.ts';
import {
  federatedRequest,
  impersonationRequest,
  parseJson,
  readCredentials,
  readSmallFile,
  serviceRequest,
  userRequest,
  type Credentials,
} from './gcs-credentials.ts';

/** The token for the next request; undefined where none is sent. Throws `storage-setup`, and `storage-failed` where Google did not answer. */
export type TokenSource = () => Promise<string | undefined>;

/** An emulator takes everybody. */
export const anonymous: TokenSource = async () => undefined;

export interface TokenPlace extends Asking {
  readonly location: string;
  readonly clock?: Clock;
}

interface Token {
  readonly token: string;
  readonly ends: number;
}

/* Milliseconds. A token is replaced this long before it ends. */
const margin = 3 * 60_000;

/**
 * Tokens by `GOOGLE_ACCESS_TOKEN`; else by the credentials that `GOOGLE_APPLICATION_CREDENTIALS` names (of a service account, a user, or federated ones), those that
 * `gcloud auth application-default login` left, or the metadata server of a machine at Google.
 */
export function createTokenSource(place: TokenPlace): TokenSource {
  const given = readEnvironmentSecret(place.environment, 'GOOGLE_ACCESS_TOKEN', place.location)?.trim();
  if (given !== undefined && given !== '') return async () => given;
  const { clock = systemClock } = place;
  let current: { readonly token: Promise<Token>; freshUntil: number } | undefined;
  return async () => {
    if (current === undefined || current.freshUntil <= clock.now().getTime()) {
      /* All who come meanwhile wait for this one. */
      const asked = { token: fetchToken(place, clock), freshUntil: Number.POSITIVE_INFINITY };
      current = asked;
      void asked.token.then(
        ({ ends }) => (asked.freshUntil = ends - margin),
        () => (current = current === asked ? undefined : current),
      );
    }
    return (await current.token).token;
  };
}

async function fetchToken(place: TokenPlace, clock: Clock): Promise<Token> {
  const named = lookUp(place.environment, 'GOOGLE_APPLICATION_CREDENTIALS');
  const file = named ?? wellKnownFile(place.environment);
  const credentials = await readCredentials(file).catch((error: unknown) => {
    if (named === undefined && failedWith(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined;
    throw setup(
      place,
      `${file} has no credentials to use: ${reasonOf(error)}`,
      `Check ${file}${named === undefined ? '' : ' (GOOGLE_APPLICATION_CREDENTIALS)'}`,
    );
  });
  const now = clock.now();
  if (credentials === undefined)
    return tokenOf(await ask(place, metadataRequest(place.environment), 'the metadata server of the machine'), now);
  return exchange(place, credentials, now).catch((error: unknown) => {
    throw error instanceof HoldfastError ? error : setup(place, `${file} has no credentials to use: ${reasonOf(error)}`, `Check ${file}`);
  });
}

/** Where gcloud puts what "gcloud auth application-default login" gives. */
function wellKnownFile(environment: StorageEnvironment): string {
  const folder = lookUp(environment, 'CLOUDSDK_CONFIG') ?? join(lookUp(environment, 'HOME') ?? homedir(), '.config', 'gcloud');
  return join(folder, 'application_default_credentials.json');
}

async function exchange(place: TokenPlace, credentials: Credentials, now: Date): Promise<Token> {
  if (credentials.type === 'service_account') return tokenOf(await ask(place, serviceRequest(credentials, now), 'Google'), now);
  if (credentials.type === 'authorized_user') return tokenOf(await ask(place, userRequest(credentials), 'Google'), now);
  const subject = await readSubjectToken(place, credentials.credential_source);
  const federated = tokenOf(await ask(place, federatedRequest(credentials, subject), 'the token service of Google'), now);
  const url = credentials.service_account_impersonation_url;
  if (url === undefined) return federated;
  const form = z.object({ accessToken: z.string().min(1), expireTime: z.iso.datetime({ offset: true }) });
  const { accessToken, expireTime } = form.parse(await ask(place, impersonationRequest(url, federated.token), 'Google'));
  return { token: accessToken, ends: Date.parse(expireTime) };
}

async function readSubjectToken(
  place: TokenPlace,
  source: Extract<Credentials, { type: 'external_account' }>['credential_source'],
): Promise<string> {
  const text =
    'file' in source
      ? await readSmallFile(source.file)
      : await askText(place, { method: 'GET', url: new URL(source.url), headers: source.headers ?? {} }, 'the identity service');
  if (source.format?.type !== 'json') return text.trim();
  const field = source.format.subject_token_field_name ?? 'access_token';
  return z
    .object({ [field]: z.string() })
    .transform((found) => String(found[field]))
    .parse(parseJson(text));
}

function metadataRequest(environment: StorageEnvironment): Question {
  const host = lookUp(environment, 'GCE_METADATA_HOST') ?? 'metadata.google.internal';
  return {
    method: 'GET',
    url: new URL(`http://${host}/computeMetadata/v1/instance/service-accounts/default/token`),
    headers: { 'metadata-flavor': 'Google' },
  };
}

function tokenOf(answer: unknown, now: Date): Token {
  const form = z.object({ access_token: z.string().min(1), expires_in: z.number().default(3600) });
  const { access_token: token, expires_in: seconds } = form.parse(answer);
  return { token, ends: now.getTime() + seconds * 1000 };
}

async function ask(place: TokenPlace, request: Question, whom: string): Promise<unknown> {
  return parseJson(await askText(place, request, whom));
}

async function askText(place: TokenPlace, question: Question, whom: string): Promise<string> {
  const { status, text } = await askService(question, place).catch((error: unknown) => {
    if (failedWith(error, 'ENOTFOUND') && question.url.protocol === 'http:')
      throw setup(place, 'there are no credentials', credentialsHelp);
    throw failed(place, `${whom} gives no token: ${reasonOf(error)}`);
  });
  if (status >= 200 && status < 300) return text;
  if (status === 429 || status >= 500) throw failed(place, `${whom} answered ${status}`);
  throw setup(place, `${whom} gives no token (${status}${wordsOf(text)})`, credentialsHelp);
}

const credentialsHelp =
  'Set GOOGLE_APPLICATION_CREDENTIALS to a file with credentials that are valid, or GOOGLE_ACCESS_TOKEN, or run: gcloud auth application-default login';

/** Google's word for what is wrong, such as invalid_grant. */
function wordsOf(text: string): string {
  const form = z.object({ error: z.string().max(100), error_description: z.string().max(300).optional() });
  try {
    const { error, error_description: more } = form.parse(JSON.parse(text));
    return ` ${error}${more === undefined ? '' : `: ${more}`}`.replaceAll(/[\0-\x1f\x7f]+/g, ' ');
  } catch {
    return '';
  }
}

function failed({ location }: TokenPlace, reason: string): HoldfastError {
  return new HoldfastError('storage-failed', { action: 'open', key: 'the account', location, reason });
}

function setup({ location }: TokenPlace, reason: string, help: string): HoldfastError {
  return new HoldfastError('storage-setup', { location, reason, help });
}
