/** The HTTP interface of the daemon: every answer is JSON (but for the metrics), nothing is for other sites, nothing is cached. */
import { getConnInfo } from '@hono/node-server/conninfo';
import { Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { answerError, ApiError } from './api-error.ts';
import type { Authority, Visitor } from './auth.ts';
import type { SignIn } from '../operations/audit/sign-in-notes.ts';
import type { DaemonView } from '../operations/jobs/daemon-view.ts';
import { addApiRoutes } from './routes/api-routes.ts';
import { addWatchRoutes } from './routes/watch-routes.ts';

/** What every request carries. */
export interface AppEnvironment {
  readonly Variables: { readonly visitor: Visitor | undefined };
}

/** Bytes. */
const largestBody = 16 * 1024;

export interface AppParts {
  readonly view: DaemonView;
  readonly authority: Authority;
  /** Told who signs in, or tries to. Must not throw. */
  readonly noteSignIn: (signIn: SignIn) => void;
  /** What nobody foresaw, for the log. Must not throw. */
  readonly onFailure: (error: unknown) => void;
}

export function createApp({ view, authority, noteSignIn, onFailure }: AppParts): Hono<AppEnvironment> {
  const app = new Hono<AppEnvironment>();
  app.onError((error, context) => {
    if (error instanceof HTTPException) return answerError(context, new ApiError(400, 'api-request', { reason: 'it is malformed' }));
    if (!(error instanceof ApiError)) onFailure(error);
    return answerError(context, error);
  });
  app.notFound((context) => answerError(context, new ApiError(404, 'api-unknown', { what: 'this page' })));
  app.use(securityHeaders);
  app.use(
    bodyLimit({
      maxSize: largestBody,
      onError: (context) => answerError(context, new ApiError(413, 'api-request', { reason: `it is larger than ${largestBody} bytes` })),
    }),
  );
  app.use(recogniseWith(authority, noteSignIn));
  addWatchRoutes(app, view);
  addApiRoutes(app, view);
  return app;
}

const securityHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  context.header('Cache-Control', 'no-store');
  context.header('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  context.header('Cross-Origin-Resource-Policy', 'same-origin');
  context.header('Referrer-Policy', 'no-referrer');
  context.header('X-Content-Type-Options', 'nosniff');
  context.header('X-Frame-Options', 'DENY');
};

function recogniseWith(authority: Authority, noteSignIn: AppParts['noteSignIn']): MiddlewareHandler<AppEnvironment> {
  return async (context, next) => {
    const address = getConnInfo(context).remote.address ?? '';
    const visitor = authority.recognise(context.req.header('authorization'), address);
    if (visitor === 'busy') throw new ApiError(429, 'api-token', { reason: 'too many wrong tokens came from this address' });
    if (visitor === 'wrong') noteSignIn({ from: address, accepted: false });
    else if (visitor !== 'nobody' && authority.hasTokens)
      noteSignIn({ token: visitor.name, role: visitor.role, from: address, accepted: true });
    if (visitor === 'wrong') throw new ApiError(401, 'api-token', { reason: 'the token is not known' });
    // A page of another site could make a browser ask under a name of its own that leads here.
    if (!authority.hasTokens && !isLoopbackName(context.req.header('host')))
      throw new ApiError(403, 'api-request', { reason: 'without tokens only requests to localhost are answered' });
    context.set('visitor', visitor === 'nobody' ? undefined : visitor);
    await next();
  };
}

function isLoopbackName(host: string | undefined): boolean {
  return /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/i.test(host ?? '');
}
