/**
 * System calls that Node lacks: extended attributes (POSIX ACLs are two of them), times to the nanosecond, devices and FIFOs. Chosen once
 * a thread: libc through the optional dependency koffi, else the system's own programs, else what Node itself can do, and `limits` says what is missing.
 */
import { loadNativeCalls } from './native-calls.ts';
import { createProgramCalls } from './program-calls.ts';
import type { PlatformCalls } from './system-calls.ts';

export type { PlatformCalls, Xattr } from './system-calls.ts';

let chosen: PlatformCalls | undefined;

/** This thread's calls. The first call loads koffi, which takes 15 ms and 8 MB. */
export function platformCalls(): PlatformCalls {
  return (chosen ??= loadNativeCalls() ?? createProgramCalls());
}
