/** For whoever watches the daemon: whether it lives, whether it works, and its numbers. */
import type { Hono } from 'hono';
import { readVersion } from '../../util/program-version.ts';
import type { AppEnvironment } from '../app.ts';
import type { DaemonView } from '../../operations/jobs/daemon-view.ts';
import { needs } from '../require-role.ts';

/** @param view what is shown */
export function addWatchRoutes(app: Hono<AppEnvironment>, view: DaemonView): void {
  const version = readVersion();
  app.get('/health', (context) => context.json({ status: 'alive', version }));
  app.get('/ready', (context) => {
    const readiness = view.readiness();
    return context.json(readiness, readiness.ready ? 200 : 503);
  });
  app.get('/metrics', needs('viewer', 'show the metrics'), async (context) =>
    context.body(await view.metrics(), 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
}
