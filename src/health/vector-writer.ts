import { frameAgain } from '../link/frames.ts';
import type { HealthMachine } from './machine.ts';
import type { Vector } from './vector.ts';

/** Writes the frames of one node; the verdicts in them only when they changed. */
export class VectorWriter {
  readonly #machine: HealthMachine;
  readonly #written = new Map<Vector['scope'], { version: number; tail: Buffer }>();

  constructor(machine: HealthMachine) {
    this.#machine = machine;
  }

  /** The frame to push now. */
  frame(scope: Vector['scope']): Buffer {
    const head = JSON.stringify(this.#machine.vectorHead(scope)).slice(0, -1);
    return frameAgain(Buffer.concat([Buffer.from(head), this.#tail(scope)]));
  }

  #tail(scope: Vector['scope']): Buffer {
    const version = this.#machine.vectorVersion;
    const written = this.#written.get(scope);
    if (written?.version === version) return written.tail;
    const verdicts = JSON.stringify(Object.fromEntries(this.#machine.vector(scope).verdicts));
    const tail = Buffer.from(`,"verdicts":${verdicts}}`);
    this.#written.set(scope, { version, tail });
    return tail;
  }
}
