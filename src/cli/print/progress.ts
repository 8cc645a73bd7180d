/**
 * Shows what long-running work tells: live lines on a terminal, a plain line now and then elsewhere, restic's `status` messages with
 * --json. Problems and notices go to stderr as they happen.
 */
import type { EventSink, HoldfastEvent } from '../../events.ts';
import type { Clock } from '../../util/clock.ts';
import { formatSeconds, formatSize } from './quantities.ts';
import { printable } from './table.ts';

type ProgressEvent = Extract<HoldfastEvent, { type: 'progress' }>;

export interface ProgressChoice {
  readonly json: boolean;
  readonly quiet: boolean;
  /** What finished items are called in JSON, as in restic: `files_done`, or `files_restored`. */
  readonly done: 'done' | 'restored';
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly clock: Clock;
}

export interface Progress {
  readonly events: EventSink;
  /** Problems told so far. */
  readonly problems: number;
  /** The first of them, each in one line. */
  readonly reasons: readonly string[];
  /** Removes a live line, so that something else can be written. */
  readonly clear: () => void;
  /** Stops: nothing is shown any more. */
  readonly end: () => void;
}

const mostReasons = 12;
const longestReason = 500;
const milliseconds = { live: 100, json: 1000, plain: 10_000 } as const;

/** Progress on these streams. */
export function createProgress(choice: ProgressChoice): Progress {
  const { json, quiet, stdout, stderr, clock } = choice;
  const live = !json && !quiet && stderr.isTTY === true;
  const began = clock.now().getTime();
  let latest: ProgressEvent | undefined;
  let shown: ProgressEvent | undefined;
  let liveShown = false;
  let problems = 0;
  const reasons: string[] = [];
  const pace = createPace();
  const clear = (): void => {
    if (liveShown) stderr.write('\r\u001b[K');
    liveShown = false;
  };
  const show = (): void => {
    if (latest === undefined) return;
    const seconds = (clock.now().getTime() - began) / 1000;
    const measured = pace(latest, seconds);
    if (json) stdout.write(`${JSON.stringify(statusOf(latest, seconds, measured, choice.done, problems))}\n`);
    else if (live) {
      stderr.write(`\r\u001b[K${lineOf(latest, measured).slice(0, Math.max(20, (stderr.columns || 80) - 1))}`);
      liveShown = true;
    } else if (latest !== shown) stderr.write(`${lineOf(latest, measured)}\n`);
    shown = latest;
  };
  const timer = quiet ? undefined : setInterval(show, live ? milliseconds.live : json ? milliseconds.json : milliseconds.plain).unref();
  const tell = (record: object, text: string): void => {
    clear();
    stderr.write(json ? `${JSON.stringify(record)}\n` : `${text}\n`);
  };
  return {
    events: (event) => {
      if (event.type === 'progress') latest = event;
      else if (event.type === 'problem') {
        problems += 1;
        if (reasons.length < mostReasons) reasons.push(`${printable(event.path)}: ${printable(event.reason)}`.slice(0, longestReason));
        tell(
          {
            message_type: 'error',
            error: { message: event.reason },
            during: choice.done === 'done' ? 'archival' : 'restore',
            item: event.path,
          },
          `problem: ${printable(event.path)}: ${printable(event.reason)}`,
        );
      } else if (event.type === 'notice' && !quiet)
        tell({ message_type: 'notice', message: event.message }, `notice: ${printable(event.message)}`);
    },
    get problems() {
      return problems;
    },
    reasons,
    clear,
    end: () => {
      clearInterval(timer);
      clear();
      latest = undefined;
    },
  };
}

interface Measured {
  readonly bytesPerSecond: number | undefined;
  readonly secondsLeft: number | undefined;
}

/** Measures the speed over the last seconds, so that the estimate follows a change. */
function createPace(): (event: ProgressEvent, seconds: number) => Measured {
  const windowSeconds = 15;
  const samples: { phase: string; seconds: number; bytes: number }[] = [];
  return (event, seconds) => {
    if (samples.at(-1)?.phase !== event.phase) samples.length = 0;
    samples.push({ phase: event.phase, seconds, bytes: event.bytesDone });
    while (samples.length > 2 && seconds - (samples[0]?.seconds ?? seconds) > windowSeconds) samples.shift();
    const [first] = samples;
    const elapsed = seconds - (first?.seconds ?? seconds);
    if (first === undefined || elapsed < 0.5) return { bytesPerSecond: undefined, secondsLeft: undefined };
    const bytesPerSecond = Math.max(0, (event.bytesDone - first.bytes) / elapsed);
    const left =
      event.bytesTotal === undefined || bytesPerSecond === 0 ? undefined : Math.max(0, event.bytesTotal - event.bytesDone) / bytesPerSecond;
    return { bytesPerSecond, secondsLeft: left };
  };
}

function lineOf(event: ProgressEvent, { bytesPerSecond, secondsLeft }: Measured): string {
  const { phase, itemsDone, itemsTotal, bytesDone, bytesTotal, current } = event;
  const share = bytesTotal !== undefined && bytesTotal > 0 ? [`${Math.min(100, Math.floor((bytesDone / bytesTotal) * 100))}%`] : [];
  const items = itemsTotal === undefined ? String(itemsDone) : `${itemsDone}/${itemsTotal}`;
  const bytes = bytesTotal === undefined ? formatSize(bytesDone) : `${formatSize(bytesDone)} of ${formatSize(bytesTotal)}`;
  const rate = bytesPerSecond === undefined ? [] : [`${formatSize(bytesPerSecond)}/s`];
  const left = secondsLeft === undefined ? [] : [`${formatSeconds(secondsLeft)} left`];
  return [`${phase}:`, ...share, `${items} items`, bytes, ...rate, ...left, ...(current === undefined ? [] : [printable(current)])].join(
    '  ',
  );
}

/** restic's names for the numbers, `0` left out as restic does but for the share. */
function statusOf(event: ProgressEvent, seconds: number, { secondsLeft }: Measured, done: 'done' | 'restored', problems: number): object {
  const share = event.bytesTotal === undefined || event.bytesTotal === 0 ? 0 : Math.min(1, event.bytesDone / event.bytesTotal);
  return {
    message_type: 'status',
    ...given('seconds_elapsed', Math.floor(seconds)),
    ...given('seconds_remaining', secondsLeft === undefined ? undefined : Math.round(secondsLeft)),
    percent_done: share,
    ...given('total_files', event.itemsTotal),
    ...given(`files_${done}`, event.itemsDone),
    ...given('total_bytes', event.bytesTotal),
    ...given(`bytes_${done}`, event.bytesDone),
    ...given('error_count', problems),
    ...(event.current === undefined ? {} : { current_files: [event.current] }),
  };
}

function given(name: string, value: number | undefined): Record<string, number> {
  return value === undefined || value === 0 ? {} : { [name]: value };
}
