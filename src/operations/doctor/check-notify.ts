/** Whether somebody would hear of a failure: each route is reached as far as that goes without sending anything. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Configuration } from '../../config/configuration.ts';
import { reasonOf } from '../../errors.ts';
import { createMemoryAlarmStore } from '../../observe/notify/memory-alarm-store.ts';
import { reachRoute } from '../../observe/notify/reach-route.ts';
import type { Route } from '../../observe/notify/route.ts';
import { shellWord } from '../../util/shell-word.ts';
import type { ApplicationContext } from '../application/application-tools.ts';
import { notifyRoutes } from '../notify/notify-routes.ts';
import { openNotifier } from '../notify/open-notifier.ts';
import { failed, ok, warning, type Check } from './check.ts';
import { checkCertificate } from './check-certificate.ts';
import type { Look } from './look.ts';

const withinMs = 15_000;

/** One look for each route, and one for what is known of all of them. */
export function looksAtNotify(configuration: Configuration, catalog: Catalog | undefined, context: ApplicationContext): Look[] {
  const routes = notifyRoutes(configuration, { environment: context.environment, signal: context.signal });
  const known: Look = { group: 'notify', about: 'notify', run: () => checkRoutes(configuration, catalog, context) };
  return [
    known,
    ...routes.map((route): Look => ({ group: 'notify', about: aboutRoute(route), run: (signal) => checkRoute(route, context, signal) })),
  ];
}

function aboutRoute({ name }: Pick<Route, 'name'>): string {
  return `notifier ${name}`;
}

function checkRoutes(configuration: Configuration, catalog: Catalog | undefined, { clock, environment }: ApplicationContext): Check[] {
  const name = 'notify: routes';
  const notifier = openNotifier(configuration, { store: catalog?.alarms ?? createMemoryAlarmStore(), clock, environment });
  const routes = notifier.routes();
  if (routes.length === 0)
    return [
      warning(
        name,
        'nobody is told when a backup fails: the configuration has no notify',
        'In holdfast.yaml, then try it with: holdfast notify test\nnotify:\n  - email: { to: ops@example.org, server: "smtp://mail.example.org:587" }',
      ),
    ];
  const there = ok(
    name,
    `${routes.map((route) => route.name).join(', ')}: ${routes.length === 1 ? 'one route' : `${routes.length} routes`}`,
  );
  const failing = routes.flatMap((route) =>
    route.failing === undefined ? [] : [{ name: route.name, waiting: route.waiting, ...route.failing }],
  );
  return [
    there,
    ...failing.map(({ name: route, since, problem, waiting }) =>
      failed(
        `${aboutRoute({ name: route })}: delivery`,
        `nothing has reached it since ${since.toISOString()}: ${problem}${waiting > 0 ? `; ${waiting} wait` : ''}`,
        `Put that right, then try it for real:\nholdfast notify test ${shellWord(route)}`,
      ),
    ),
  ];
}

async function* checkRoute(route: Route, { clock }: ApplicationContext, signal: AbortSignal): AsyncGenerator<Check> {
  const about = aboutRoute(route);
  const remedy = `Put that right in holdfast.yaml, on the way there or on its side; then send something for real:\nholdfast notify test ${shellWord(route.name)}`;
  try {
    const { what, certificateUntil } = await reachRoute(route, { withinMs, signal });
    yield ok(`${about}: reachable`, `${what}; nothing was sent`);
    if (certificateUntil !== undefined) yield checkCertificate(about, certificateUntil, clock.now());
  } catch (error) {
    yield failed(`${about}: reachable`, `${route.address} cannot be told anything: ${reasonOf(error)}`, remedy);
  }
}
