import type { Config } from '../config/schema/config.ts';
import type { ControlRequest } from './control/protocol.ts';
import type { FileRefusal } from './file-refusals.ts';
import type { Outcome } from './fleet.ts';
import type { ProcessExit, ProcessSpec } from './processes/stack-process.ts';
import type { RollStep } from './rolling/roll.ts';
import type { StackLayout } from './state/layout.ts';

export interface ReadyFacts {
  /** What the file says; nodes that refused it serve something else. */
  readonly config: Config;
  /** The configuration file, absolute. */
  readonly file: string;
  readonly layout: StackLayout;
  /** What the nodes say does not work as it should. */
  readonly degraded: readonly string[];
  readonly refused: readonly FileRefusal[];
  /** From the start of the supervisor's process. */
  readonly readyMs: number;
}

/** Whom the supervisor tells what happens: a terminal, or a program that reads JSON. */
export interface StackReporter {
  leftoversEnded(count: number, directory: string): void;
  ready(facts: ReadyFacts): void;
  /** A process ended that nobody had asked to. */
  exited(spec: ProcessSpec, exit: ProcessExit): void;
  /** Somebody asked for something through the control socket. */
  asked(request: ControlRequest, outcome: Outcome): void;
  /** A restart or stop of nodes, one after the other, came so far. */
  rolled(step: RollStep): void;
  stopping(reason: string): void;
  stopped(processes: number, elapsedMs: number): void;
}
