/**
 * The one event type: what long-running work tells while it runs. The engine and the sources emit, printers and logs listen;
 * nothing that matters to correctness travels here.
 */
export type HoldfastEvent =
  | { readonly type: 'phase'; readonly phase: string }
  | {
      readonly type: 'progress';
      readonly phase: string;
      /** Items (files, packs, blobs) done so far, and in all where that is known. */
      readonly itemsDone: number;
      readonly itemsTotal?: number;
      readonly bytesDone: number;
      readonly bytesTotal?: number;
      /** The item under way. */
      readonly current?: string;
    }
  | {
      /** Something could not be read or restored as it was: the run goes on and ends with exit status 3. */
      readonly type: 'problem';
      readonly path: string;
      readonly reason: string;
    }
  | {
      /** Worth knowing, but nothing is missing. */
      readonly type: 'notice';
      readonly message: string;
    };

/** Takes events as they happen. Must not throw and must not block. */
export type EventSink = (event: HoldfastEvent) => void;

/** For callers that do not listen. */
export const ignoreEvents: EventSink = () => {};
