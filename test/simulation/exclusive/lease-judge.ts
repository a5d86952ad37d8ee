import assert from 'node:assert/strict';
import type { LeaseNode } from './lease-node.ts';

const fail = (message: string): never => assert.fail(message);

/**
 * Holds what gateways would serve and name servers would name against what may not be. Asked at
 * each step, since a claim begins or grows in one only: that is when two could meet.
 */
export class LeaseJudge {
  readonly #nodes: readonly LeaseNode[];
  readonly #onTenure: (node: LeaseNode) => void;
  #highest = 0;
  #activeRegion: string | undefined;
  /** When the store was set back: who began later knows of nothing before. */
  restoredMs = Number.POSITIVE_INFINITY;

  constructor(nodes: readonly LeaseNode[], onTenure: (node: LeaseNode) => void) {
    this.#nodes = nodes;
    this.#onTenure = onTenure;
  }

  look(node: LeaseNode, nowMs: number): void {
    const { active, named, region, name } = node;
    // The last known other one, or nothing.
    if (node.running && active !== (named === region)) fail(`${name} names ${named}`);
    if (!active) return;
    for (const other of this.#nodes) {
      if (other.region !== region && other.active) {
        fail(`${name} and ${other.name} are active at ${nowMs}`);
      }
    }
    this.#lookAtToken(node);
    const { sentMs, terms } = node.confirmed ?? fail(`${name} is active without a word`);
    const ageMs = nowMs - sentMs;
    if (!terms?.hold && ageMs > (terms?.leaseMs ?? 0) * 1.1) {
      fail(`${name} is active ${ageMs} ms after its last word`);
    }
  }

  #lookAtToken(node: LeaseNode): void {
    const { region, token, startedMs } = node;
    const isNew = this.#activeRegion !== region;
    if (startedMs <= this.restoredMs) {
      if (token < this.#highest) fail(`token ${token} after ${this.#highest}`);
      if (isNew && token === this.#highest) fail('another region with the same token');
    }
    this.#highest = Math.max(token, this.#highest);
    if (!isNew) return;
    this.#activeRegion = region;
    this.#onTenure(node);
  }
}
