/** The one place that prints how a run failed. */
import type { HoldfastError } from '../../errors.ts';

/** The lines for stderr: restic's `exit_error` record with --json; else the sentence and the hint, and where it happened when that is a defect. */
export function formatError(error: HoldfastError, choice: { readonly json: boolean; readonly verbose: boolean }): string {
  if (choice.json) {
    return JSON.stringify({
      message_type: 'exit_error',
      code: error.exitStatus,
      message: error.message,
      error: error.code,
      hint: error.hint,
    });
  }
  const trace = error.code === 'internal' || choice.verbose ? traceOf(error) : [];
  return [`Error: ${error.message}`, error.hint, ...trace].join('\n');
}

function traceOf(error: HoldfastError): string[] {
  const { cause } = error;
  return cause instanceof Error && cause.stack !== undefined ? [cause.stack] : [];
}
