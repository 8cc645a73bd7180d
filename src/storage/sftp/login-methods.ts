import ssh2, { type AnyAuthMethod, type ParsedKey } from 'ssh2';
import { HoldfastError } from '../../errors.ts';
import { readEnvironmentSecret } from '../environment-secret.ts';
import { readIfThere, readPassword, type Identity, type SshServer } from './sftp-settings.ts';

/** The ways to log in, in the order they are tried, and what they are called in messages. */
export interface LoginMethods {
  readonly methods: readonly AnyAuthMethod[];
  readonly described: readonly string[];
}

/**
 * The agent's keys, then those in files, then a password. Servers count attempts, so nothing is tried that cannot work.
 * @throws `storage-setup` for a named key that cannot be used, and where there is nothing to log in with
 */
export function readLoginMethods(settings: SshServer): LoginMethods {
  const { user: username, agent, identities, location } = settings;
  const methods: AnyAuthMethod[] = [];
  const described: string[] = [];
  if (agent !== undefined) {
    methods.push({ type: 'agent', username, agent });
    described.push('the keys of the agent');
  }
  for (const identity of identities) {
    const key = readKey(identity, settings);
    if (key === undefined) continue;
    methods.push({ type: 'publickey', username, key });
    described.push(identity.path);
  }
  const password = readPassword(settings);
  if (password !== undefined) {
    methods.push({ type: 'password', username, password });
    methods.push({
      type: 'keyboard-interactive',
      username,
      prompt: (_name, _text, _language, prompts, finish) => finish(prompts.map(() => password)),
    });
    described.push('the password');
  }
  if (methods.length > 0) return { methods, described };
  const tried = identities.map(({ path }) => path).join(', ');
  throw new HoldfastError('storage-setup', {
    location,
    reason: `there is nothing to log in with: no agent, no key that opens (${tried}), no password`,
    help: 'Make a key with ssh-keygen, or set SSH_AUTH_SOCK, HOLDFAST_SSH_PASSPHRASE_FILE or HOLDFAST_SFTP_PASSWORD_FILE',
  });
}

function readKey({ path, isNamed }: Identity, { environment, location }: SshServer): ParsedKey | undefined {
  const text = readIfThere(path, location);
  const parsed =
    text === undefined ? undefined : ssh2.utils.parseKey(text, readEnvironmentSecret(environment, 'HOLDFAST_SSH_PASSPHRASE', location));
  if (parsed !== undefined && !(parsed instanceof Error) && parsed.isPrivateKey()) return parsed;
  if (!isNamed) return undefined;
  const encrypted = parsed instanceof Error && /encrypted|passphrase|decrypt|integrity/i.test(parsed.message);
  throw new HoldfastError('storage-setup', {
    location,
    reason:
      text === undefined
        ? `the key ${path} is not there`
        : encrypted
          ? `the key ${path} does not open with the passphrase that was given, if any`
          : `${path} holds no private key of a known form`,
    help: encrypted
      ? 'Set HOLDFAST_SSH_PASSPHRASE or HOLDFAST_SSH_PASSPHRASE_FILE'
      : 'Name a private key of ssh-keygen with ?identity=FILE',
  });
}
