/** Really sends something to one route, past queue and rules. */
import { reasonOf } from '../../errors.ts';
import type { Alarm } from './alarm.ts';
import { composeMessage } from './compose-message.ts';
import { isPing, type Route, type RouteAnswer } from './route.ts';
import { deliver, type DeliveryLimits } from './send/deliver.ts';

interface Trial {
  readonly application: string;
  readonly host: string;
  readonly now: Date;
  readonly limits: DeliveryLimits;
}

/** Never throws: what came of it is the answer. */
export async function tryRoute(route: Route, { application, host, now, limits }: Trial): Promise<RouteAnswer> {
  const alarm: Alarm = {
    key: `test:${route.name}`,
    event: isPing(route) ? 'success' : 'failure',
    severity: route.target.kind === 'alertmanager' ? 'warning' : 'info',
    application,
    title: 'This is a test',
    text: 'Somebody ran: holdfast notify test. Nothing is wrong, and nothing is to be done.',
    facts: { route: route.name },
    at: now,
  };
  /* An Alertmanager is told the end as well, so that nothing stays open there. */
  const rounds = route.target.kind === 'alertmanager' ? (['raised', 'resolved'] as const) : (['note'] as const);
  try {
    let answer = '';
    let problem: string | undefined;
    for (const what of rounds) {
      const id = `${route.name}-${what}-${now.getTime()}`;
      const notice = { id, route: route.name, what, alarm, since: now, end: '', queued: now, due: now };
      ({ answer, problem } = { problem: undefined, ...(await deliver(route.target, composeMessage([notice], { host, now }), limits)) });
    }
    return { route: route.name, ok: problem === undefined, answer: problem ?? answer, told: 1 };
  } catch (error) {
    return { route: route.name, ok: false, answer: reasonOf(error), told: 0 };
  }
}
