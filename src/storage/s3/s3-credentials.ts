import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../errors.ts';
import type { StorageEnvironment } from '../storage-options.ts';

/** The SDK hands its settings on to its chain of credentials, which knows these too. */
interface ChainSettings {
  readonly profile?: string;
  readonly filepath?: string;
  readonly configFilepath?: string;
  readonly webIdentityTokenFile?: string;
  readonly roleArn?: string;
  readonly roleSessionName?: string;
}

/**
 * Where the SDK takes its credentials from. Keys in the environment come first, also where a profile is named; then the shared files of
 * the AWS programs, a web identity, and the role of the container or machine. An environment that is not the process's is all that counts:
 * the keys of the process are then not used.
 * @throws `storage-setup` where half of a key is given
 */
export function credentialSettings(environment: StorageEnvironment, location: string): Partial<S3ClientConfig> & ChainSettings {
  const accessKeyId = environment['AWS_ACCESS_KEY_ID'] || undefined;
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'] || undefined;
  const sessionToken = environment['AWS_SESSION_TOKEN'] || undefined;
  if (accessKeyId !== undefined && secretAccessKey !== undefined)
    return { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } };
  if (accessKeyId !== undefined || secretAccessKey !== undefined) {
    const missing = accessKeyId === undefined ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY';
    throw new HoldfastError('storage-setup', { location, reason: `${missing} is not set`, help: `Set it, or neither half of the key` });
  }
  const settings = {
    /* A named profile makes the chain pass over the keys of the process, which have been looked at above. */
    profile: environment['AWS_PROFILE'] || 'default',
    filepath: environment['AWS_SHARED_CREDENTIALS_FILE'] || undefined,
    configFilepath: environment['AWS_CONFIG_FILE'] || undefined,
    webIdentityTokenFile: environment['AWS_WEB_IDENTITY_TOKEN_FILE'] || undefined,
    roleArn: environment['AWS_ROLE_ARN'] || undefined,
    roleSessionName: environment['AWS_ROLE_SESSION_NAME'] || undefined,
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
