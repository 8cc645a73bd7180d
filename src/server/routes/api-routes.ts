/** `/api/v1`: what there is as JSON, and what may be asked of the daemon. */
import type { Context, Hono } from 'hono';
import { ApiError } from '../api-error.ts';
import type { AppEnvironment } from '../app.ts';
import type { DaemonView, RunFilter } from '../../operations/jobs/daemon-view.ts';
import { needs } from '../require-role.ts';

const usualLimit = 100;
const mostLimit = 1000;

export function addApiRoutes(app: Hono<AppEnvironment>, view: DaemonView): void {
  app.get('/api/v1/status', needs('viewer', 'show the status'), async (context) => context.json(await view.status()));
  app.get('/api/v1/jobs', needs('viewer', 'show the jobs'), (context) => context.json({ jobs: view.jobs() }));
  app.get('/api/v1/runs', needs('viewer', 'show the runs'), (context) => context.json({ runs: view.runs(filterOf(context)) }));
  app.get('/api/v1/points', needs('viewer', 'show the points'), async (context) =>
    context.json({ points: await view.points(limitOf(context)) }),
  );
  app.get('/api/v1/alarms', needs('viewer', 'show the alarms'), (context) => context.json({ alarms: view.alarms() }));

  app.post('/api/v1/jobs/:id/run', needs('operator', 'start a job'), (context) => {
    const job = context.req.param('id');
    const run = view.requestRun(job, visitorOf(context));
    if (run === undefined) throw new ApiError(404, 'api-unknown', { what: `the job "${shorten(job)}"` });
    return context.json({ job, run }, 202);
  });
  app.post('/api/v1/runs/:id/cancel', needs('admin', 'cancel a run'), (context) => {
    const run = context.req.param('id');
    if (!view.cancelRun(run, visitorOf(context))) throw new ApiError(404, 'api-unknown', { what: `the run "${shorten(run)}" under way` });
    return context.json({ run, cancelled: true }, 202);
  });
  app.post('/api/v1/reload', needs('admin', 'reload the configuration'), async (context) => {
    await view.reload(visitorOf(context));
    return context.json({ reloaded: true });
  });
}

function visitorOf(context: Context<AppEnvironment>): string {
  return context.get('visitor')?.name ?? 'anonymous';
}

function filterOf(context: Context): RunFilter {
  const { kind, status, job } = context.req.query();
  return {
    limit: limitOf(context),
    ...(kind === undefined ? {} : { kind }),
    ...(status === undefined ? {} : { status }),
    ...(job === undefined ? {} : { job }),
  };
}

function limitOf(context: Context): number {
  const text = context.req.query('limit');
  if (text === undefined) return usualLimit;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > mostLimit) throw new ApiError(400, 'api-request', { reason: `limit is not a number from 1 to ${mostLimit}` });
  return limit;
}

/* What a client sends may get into an answer: not at any length, and nothing but plain letters. */
function shorten(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, 100);
}
