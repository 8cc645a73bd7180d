/** Commands around a backup: what must happen before it, and what is told after it. */
import type { CommandConfiguration, Hooks } from '../../config/configuration.ts';
import { reasonOf } from '../../errors.ts';
import type { ApplicationTools } from './application-tools.ts';
import { runCommand } from './run-command.ts';

type Moment = keyof Hooks;

export interface HookScope {
  readonly tools: ApplicationTools;
  readonly hooks: Hooks;
  /** Absent around the whole run. */
  readonly component?: string;
}

/** How the work between the hooks went: with it, `after` runs where `failure` is absent, else `failed`. */
export interface HookedResult<Result> {
  readonly result: Result;
  /** What went wrong though there is a result, such as a component that failed. */
  readonly failure?: string;
  /** For the hooks behind it. */
  readonly variables?: Readonly<Record<string, string>>;
}

export interface HookedWork<Result> {
  readonly result: Result;
  /** Hooks that failed after the work was done; each was a problem. */
  readonly problems: number;
}

/**
 * Runs `before`, the work, then `after` or `failed`. A `before` that fails keeps the work from being done, and `failed` runs. What the work throws is
 * thrown on, whatever becomes of the hooks; a hook that fails behind the work is a problem. Throws `command-failed`, `interrupted`.
 */
export async function withHooks<Result>(scope: HookScope, work: () => Promise<HookedResult<Result>>): Promise<HookedWork<Result>> {
  let done: HookedResult<Result>;
  try {
    await runBefore(scope);
    done = await work();
  } catch (error) {
    await runBehind(scope, 'failed', { HOLDFAST_ERROR: reasonOf(error) });
    throw error;
  }
  const { result, failure, variables = {} } = done;
  const problems =
    failure === undefined
      ? await runBehind(scope, 'after', variables)
      : await runBehind(scope, 'failed', { ...variables, HOLDFAST_ERROR: failure });
  return { result, problems };
}

async function runBefore(scope: HookScope): Promise<void> {
  for (const command of scope.hooks.before) await runHook(scope, 'before', command, {}, scope.tools.context.signal);
}

/** Every one of them, whatever becomes of the others. How many failed. */
async function runBehind(scope: HookScope, moment: 'after' | 'failed', variables: Record<string, string>): Promise<number> {
  let problems = 0;
  // After an interruption too somebody waits to be told: only the time limit ends these.
  const signal = moment === 'failed' ? new AbortController().signal : scope.tools.context.signal;
  for (const command of scope.hooks[moment]) {
    try {
      await runHook(scope, moment, command, variables, signal);
    } catch (error) {
      problems += 1;
      scope.tools.context.events({ type: 'problem', path: nameOf(scope, moment), reason: reasonOf(error) });
    }
  }
  return problems;
}

async function runHook(
  scope: HookScope,
  moment: Moment,
  command: CommandConfiguration,
  variables: Record<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const { tools, component } = scope;
  tools.context.events({ type: 'phase', phase: nameOf(scope, moment) });
  await runCommand(tools, {
    command,
    what: `the ${nameOf(scope, moment)}`,
    signal,
    variables: {
      HOLDFAST_APPLICATION: tools.configuration.application,
      HOLDFAST_HOOK: moment,
      ...(component === undefined ? {} : { HOLDFAST_COMPONENT: component }),
      ...variables,
    },
  });
}

function nameOf({ component }: HookScope, moment: Moment): string {
  return component === undefined ? `hook "${moment}"` : `hook "${moment}" of ${component}`;
}
