/** Tokens of Microsoft Entra, for accounts that are opened without a key. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { systemClock, type Clock } from '../../util/clock.ts';
import { readEnvironmentSecret } from '../environment-secret.ts';
import { askService, type Asking, type Question } from '../http/ask-service.ts';
import { lookUp } from '../http/web-options.ts';
import type { StorageEnvironment } from '../storage-options.ts';
import type { TokenSource } from './azure-client.ts';

const resource = 'https://storage.azure.com/';

const answerForm = z.object({
  access_token: z.string().min(1),
  expires_in: z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]).optional(),
});

interface TokenPlace extends Asking {
  readonly location: string;
  readonly clock?: Clock;
}

interface TokenQuestion extends Question {
  /** Who is asked. */
  readonly whom: string;
}

/**
 * Where tokens come from: a service principal with a secret (`AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`), a workload identity (`AZURE_FEDERATED_TOKEN_FILE`
 * instead of the secret), or the managed identity of the machine. The SDK keeps a token until shortly before it ends.
 */
export function createTokenSource(place: TokenPlace): TokenSource {
  const { location, clock = systemClock } = place;
  return {
    getToken: async () => {
      const question = await questionOf(place).catch((error: unknown) => {
        throw error instanceof HoldfastError ? error : failure(location, reasonOf(error));
      });
      const { access_token: token, expires_in: seconds = 3600 } = await fetchToken(place, question);
      return { token, expiresOnTimestamp: clock.now().getTime() + seconds * 1000 };
    },
  };
}

async function questionOf({ location, environment }: TokenPlace): Promise<TokenQuestion> {
  const tenant = lookUp(environment, 'AZURE_TENANT_ID');
  const client = lookUp(environment, 'AZURE_CLIENT_ID');
  const secret = readEnvironmentSecret(environment, 'AZURE_CLIENT_SECRET', location);
  const file = lookUp(environment, 'AZURE_FEDERATED_TOKEN_FILE');
  if (tenant !== undefined && client !== undefined && (secret !== undefined || file !== undefined)) {
    const authority = (lookUp(environment, 'AZURE_AUTHORITY_HOST') ?? 'https://login.microsoftonline.com').replace(/\/$/, '');
    if (!authority.startsWith('https://')) throw new Error('AZURE_AUTHORITY_HOST is no https address');
    const proof =
      secret === undefined
        ? {
            client_assertion: (await readFile(file ?? '', 'utf8')).trim(),
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          }
        : { client_secret: secret };
    const form = { grant_type: 'client_credentials', client_id: client, scope: `${resource}.default`, ...proof };
    return {
      whom: 'the login service',
      method: 'POST',
      url: new URL(`${authority}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    };
  }
  return managedIdentity(environment, client);
}

function managedIdentity(environment: StorageEnvironment, client: string | undefined): TokenQuestion {
  const endpoint = lookUp(environment, 'IDENTITY_ENDPOINT');
  const header = lookUp(environment, 'IDENTITY_HEADER');
  const isHosted = endpoint !== undefined && header !== undefined;
  const url = new URL(isHosted ? endpoint : 'http://169.254.169.254/metadata/identity/oauth2/token');
  url.searchParams.set('api-version', isHosted ? '2019-08-01' : '2018-02-01');
  url.searchParams.set('resource', resource);
  if (client !== undefined) url.searchParams.set('client_id', client);
  return { whom: 'the managed identity', method: 'GET', url, headers: isHosted ? { 'x-identity-header': header } : { metadata: 'true' } };
}

async function fetchToken(place: TokenPlace, { whom, ...question }: TokenQuestion): Promise<z.infer<typeof answerForm>> {
  const { location } = place;
  const { status, text } = await askService(question, place).catch((error: unknown) => {
    throw failure(location, `${whom} cannot be asked for a token (${reasonOf(error)})`);
  });
  if (status === 429 || status >= 500) {
    throw new HoldfastError('storage-failed', { action: 'open', key: 'the account', location, reason: `${whom} answered ${status}` });
  }
  const body = parse(text);
  const token = answerForm.safeParse(body);
  if (status === 200 && token.success) return token.data;
  const said = z.object({ error: z.string().regex(/^[\w-]{1,100}$/) }).safeParse(body);
  throw failure(location, `${whom} gave no token (${status}${said.success ? ` ${said.data.error}` : ''})`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failure(location: string, reason: string): HoldfastError {
  return new HoldfastError('storage-setup', {
    location,
    reason,
    help: 'Set AZURE_ACCOUNT_KEY or AZURE_ACCOUNT_SAS, or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or run where there is a managed identity',
  });
}
