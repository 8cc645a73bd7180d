/* The command line reads this before it knows whether anything will be done. */
export { describeTarget, type RecoveryTarget } from '../../sources/postgres/recovery/recovery-target.ts';
