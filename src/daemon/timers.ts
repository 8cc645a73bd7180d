/** The one timer of the scheduler, so that a test can play the time. */
export interface Timers {
  /** Calls back once, after so many milliseconds at the earliest, unless the function that it returns was called before. */
  set(milliseconds: number, work: () => void): () => void;
}

export const systemTimers: Timers = {
  set: (milliseconds, work) => {
    const timer = setTimeout(work, milliseconds);
    return () => clearTimeout(timer);
  },
};
