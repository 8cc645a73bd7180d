/** The SDK, told to make one attempt, over connections that are given up when nothing comes. The only file that knows how the SDK is set up. */
import {
  AnonymousCredential,
  ContainerClient,
  newPipeline,
  StorageSharedKeyCredential,
  type RequestPolicy,
  type RequestPolicyFactory,
} from '@azure/storage-blob';
import type { Agent } from 'node:http';
import type { AzureAccount } from './azure-account.ts';

/** How a token is come by: `getToken` as the SDK calls it. */
export interface TokenSource {
  getToken(): Promise<{ readonly token: string; readonly expiresOnTimestamp: number }>;
}

export function createContainerClient(account: AzureAccount, container: string, agent: Agent, tokens: TokenSource): ContainerClient {
  const { endpoint, credential } = account;
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${container}`;
  if (credential.kind === 'signature') url.search = credential.signature;
  const pipeline = newPipeline(credentialOf(account, tokens), { retryOptions: { maxTries: 1 } });
  pipeline.factories.push(useAgent(agent));
  return new ContainerClient(url.href, pipeline);
}

function credentialOf({ credential }: AzureAccount, tokens: TokenSource): Parameters<typeof newPipeline>[0] {
  if (credential.kind === 'key') return new StorageSharedKeyCredential(credential.name, credential.key);
  return credential.kind === 'token' ? tokens : new AnonymousCredential();
}

function useAgent(agent: Agent): RequestPolicyFactory {
  return {
    create: (next: RequestPolicy): RequestPolicy => ({
      sendRequest: (request) => {
        request.agent = agent;
        return next.sendRequest(request);
      },
    }),
  };
}
