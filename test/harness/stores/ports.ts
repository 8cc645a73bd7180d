import type { ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';

const patience = { rounds: 300, milliseconds: 100 };

/** Waits until a program listens. Throws with what it said where it ends first, or never does. */
export async function waitForPort(port: number, program: ChildProcess, said: () => string): Promise<void> {
  let failure: Error | undefined;
  program.once('error', (error) => (failure = error));
  for (let round = 0; round < patience.rounds; round += 1) {
    if (failure !== undefined)
      throw new Error(`This machine lacks a program that the tests need (npm test installs it): ${failure.message}`);
    if (program.exitCode !== null || program.signalCode !== null) throw new Error(`it ended at once: ${said()}`);
    if (await answers(port)) return;
    await setTimeout(patience.milliseconds);
  }
  throw new Error(`nothing listens on port ${port}: ${said()}`);
}

/** Whether anything accepts connections. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Waits until a port accepts connections. */
export async function waitUntilAnswering(port: number): Promise<void> {
  for (let round = 0; round < patience.rounds; round += 1) {
    if (await answers(port)) return;
    await setTimeout(patience.milliseconds);
  }
  throw new Error(`nothing listens on port ${port}`);
}
