/** What a server's refusal means. */
import { HoldfastError } from '../../errors.ts';
import type { RedisReplyError } from './redis-connection.ts';

/** The catalogue's error for an answer of the server to a command that held no secret. */
export function explainReplyError(error: RedisReplyError, title: string, user = 'default'): HoldfastError {
  const reason = error.message.replace(/\.$/, '');
  if (error.word === 'NOAUTH' || error.word === 'WRONGPASS')
    return new HoldfastError('redis-login', { title, reason: 'it wants a password' });
  if (error.word === 'NOPERM') return new HoldfastError('redis-permission', { title, user, reason }, error);
  if (error.word === 'LOADING') return new HoldfastError('redis-unreachable', { title, reason: 'it is still loading its data' }, error);
  if (/NOMASTERLINK|while not connected with my master/.test(error.message))
    return new HoldfastError('redis-refused', { title, reason: 'it is a replica that has lost its master' }, error);
  if (error.word === 'MISCONF' || /can't (BGSAVE|fork)|bgsave/i.test(error.message))
    return new HoldfastError('redis-save-failed', { title, reason }, error);
  return new HoldfastError('redis-refused', { title, reason: `it answers "${reason}"` }, error);
}
