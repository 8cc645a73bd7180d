/** Runs that take simulated time and end as the test says: the only thing in the simulations that is not real. */
import type { ActiveRun, Run, RunOutcome, StartRun } from '../run.ts';
import type { SimulatedTime } from './simulated-time.ts';

export interface PlayedRun {
  readonly outcome: RunOutcome;
  readonly takesMs: number;
}

/** @param play how a run ends, and when. @param onStart told what was started, and its process */
export function playRuns(
  time: SimulatedTime,
  play: (run: Run) => PlayedRun,
  onStart: (run: Run, active: ActiveRun) => void = () => {},
): StartRun {
  let pid = 1_000_000_000;
  return (run) => {
    const { outcome, takesMs } = play(run);
    let end: (outcome: RunOutcome) => void = () => {};
    const ended = new Promise<RunOutcome>((resolve) => (end = resolve));
    const cancel = time.timers.set(takesMs, () => end(outcome));
    pid += 1;
    const active: ActiveRun = {
      pid,
      ended,
      progress: () => undefined,
      stop: () => {
        cancel();
        end({ status: 130, problems: [] });
      },
    };
    onStart(run, active);
    return active;
  };
}
