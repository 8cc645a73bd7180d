/** Files with credentials of Google, in the forms that this driver understands. */
import { createSign } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { reasonOf } from '../../errors.ts';
import type { Question } from '../http/ask-service.ts';
import { isLoopback } from '../http/web-options.ts';

export type Credentials = z.infer<typeof credentialsForm>;

const serviceForm = z.object({
  type: z.literal('service_account'),
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().optional(),
  token_uri: z.string().default('https://oauth2.googleapis.com/token'),
});

const userForm = z.object({
  type: z.literal('authorized_user'),
  client_id: z.string().min(1),
  client_secret: z.string().min(1),
  refresh_token: z.string().min(1),
  token_uri: z.string().default('https://oauth2.googleapis.com/token'),
});

const formatForm = z.object({ type: z.enum(['text', 'json']).default('text'), subject_token_field_name: z.string().optional() });

/* Workload identity federation: another identity, in a file or behind an address of this machine, is changed for one of Google. */
const federatedForm = z.object({
  type: z.literal('external_account'),
  audience: z.string().min(1),
  subject_token_type: z.string().min(1),
  token_url: z.string().default('https://sts.googleapis.com/v1/token'),
  service_account_impersonation_url: z.string().optional(),
  credential_source: z.union([
    z.object({ file: z.string().min(1), format: formatForm.optional() }),
    z.object({ url: z.string().min(1), headers: z.record(z.string(), z.string()).optional(), format: formatForm.optional() }),
  ]),
});

const credentialsForm = z.discriminatedUnion('type', [serviceForm, userForm, federatedForm]);
const kinds = ['service_account', 'authorized_user', 'external_account'];

/* Of any of these files. */
const largestFile = 256 * 1024;

const scope = 'https://www.googleapis.com/auth/devstorage.read_write';

/** Reads a file with credentials. Throws an Error that tells what is wrong with it, and nothing of what stands in it. */
export async function readCredentials(path: string): Promise<Credentials> {
  const content = parseJson(await readSmallFile(path));
  const type = z.object({ type: z.string() }).safeParse(content).data?.type;
  if (type === undefined || !kinds.includes(type)) throw new Error(`its "type" is none of ${kinds.join(', ')}`);
  const read = credentialsForm.safeParse(content);
  if (!read.success) throw new Error(`"${read.error.issues[0]?.path.join('.') ?? ''}" of it is missing or not of its form`);
  return read.data;
}

/** A file that is not larger than any of its kind. */
export async function readSmallFile(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > largestFile) throw new Error('it is too large');
  return readFile(path, 'utf8');
}

/** The JSON of a text, or an Error that shows nothing of it. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is no JSON');
  }
}

/** A service account signs that it is itself. */
export function serviceRequest(credentials: z.infer<typeof serviceForm>, now: Date): Question {
  const seconds = Math.floor(now.getTime() / 1000);
  const { client_email: issuer, private_key: key, private_key_id: id, token_uri: audience } = credentials;
  const head = encode({ alg: 'RS256', typ: 'JWT', ...(id === undefined ? {} : { kid: id }) });
  const claims = encode({ iss: issuer, scope, aud: audience, iat: seconds, exp: seconds + 3600 });
  let signature: string;
  try {
    signature = createSign('RSA-SHA256').update(`${head}.${claims}`).sign(key, 'base64url');
  } catch (error) {
    throw new Error(`its private key is of no use (${reasonOf(error)})`);
  }
  return post(audience, { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: `${head}.${claims}.${signature}` });
}

export function userRequest({ client_id, client_secret, refresh_token, token_uri }: z.infer<typeof userForm>): Question {
  return post(token_uri, { grant_type: 'refresh_token', client_id, client_secret, refresh_token });
}

export function federatedRequest(
  { audience, subject_token_type, token_url }: z.infer<typeof federatedForm>,
  subjectToken: string,
): Question {
  return post(token_url, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience,
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    subject_token: subjectToken,
    subject_token_type,
  });
}

/** Of a federated identity that acts as a service account. */
export function impersonationRequest(url: string, token: string): Question {
  return {
    method: 'POST',
    url: secureUrl(url),
    headers: { 'content-type': 'application/json', 'authorization': `Bearer ${token}` },
    body: JSON.stringify({ scope: [scope], lifetime: '3600s' }),
  };
}

function post(url: string, form: Readonly<Record<string, string>>): Question {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', url: secureUrl(url), headers, body: new URLSearchParams(form).toString() };
}

/** Secrets travel by https, or on this machine. */
function secureUrl(text: string): URL {
  const url = URL.parse(text);
  const isHere = url !== null && url.protocol === 'http:' && isLoopback(url);
  if (url === null || (url.protocol !== 'https:' && !isHere)) throw new Error('it names an address for tokens that is no https address');
  return url;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
