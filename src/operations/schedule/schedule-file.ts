/** What is printed or written for another scheduler. */
export interface ScheduleFile {
  readonly name: string;
  readonly text: string;
}

/** What runs a job: a program and the words that always come first. */
export interface ScheduledProgram {
  readonly file: string;
  readonly args: readonly string[];
}
