import type { CheckFinding } from './check-report.ts';

/** Collects what a check has to say. */
export class Findings {
  readonly errors: CheckFinding[] = [];
  readonly notices: CheckFinding[] = [];

  error(object: string, reason: string): void {
    this.errors.push({ object, reason });
  }

  notice(object: string, reason: string): void {
    this.notices.push({ object, reason });
  }
}
