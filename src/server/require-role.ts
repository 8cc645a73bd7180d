import { createMiddleware } from 'hono/factory';
import { ApiError } from './api-error.ts';
import type { AppEnvironment } from './app.ts';
import { includes, type Role } from './auth.ts';

/** Lets only those through who have this role. @param action for the sentence: `start a job` */
export function needs(role: Role, action: string) {
  return createMiddleware<AppEnvironment>(async (context, next) => {
    const visitor = context.get('visitor');
    if (visitor === undefined) throw new ApiError(401, 'api-token', { reason: `to ${action} takes a token, and none was sent` });
    if (!includes(visitor.role, role)) {
      const who = visitor.name === 'anonymous' ? 'somebody without a token' : `the token "${visitor.name}" (${visitor.role})`;
      throw new ApiError(403, 'api-role', { action, who, role });
    }
    await next();
  });
}
