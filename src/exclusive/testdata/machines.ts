import assert from 'node:assert/strict';
import type { LeaseAction, LeaseWrite } from '../lease-action.ts';
import { encodeLease, type LeaseDocument, parseLease } from '../lease-document.ts';
import { LeaseMachine } from '../lease-machine.ts';
import type { Facts, LeaseSettings } from '../lease-rules.ts';

export const settings: LeaseSettings = {
  name: 'ledger',
  regions: ['eu', 'us'],
  leaseMs: 5_000,
  marginMs: 500,
  hold: false,
  prefer: 'holder',
};
export const well: Facts = {
  promotable: true,
  failing: false,
  leaving: false,
  wallMs: 1_700_000_000_000,
  healthy: () => true,
};
export const terms = { leaseMs: 5_000, hold: false };

export const heldBy = (
  holder: string,
  nodes: LeaseDocument['nodes'] = { [holder]: terms },
): LeaseDocument => ({ holder, token: 3, since: 0, nodes, to: undefined, highest: undefined });

export function machine(
  region: string,
  over: Partial<LeaseSettings> = {},
  node = region,
): LeaseMachine {
  return new LeaseMachine({ settings: { ...settings, ...over }, region, node });
}

/** Active since a write sent at 0 and confirmed at 40. */
export function active(
  over: Partial<LeaseSettings> = {},
  nodes?: LeaseDocument['nodes'],
): LeaseMachine {
  const one = machine('eu', over);
  one.observe({ revision: 7, document: heldBy('eu', nodes) }, -100);
  assert.equal(one.tick(0, well)?.kind, 'renew');
  one.wrote({ kind: 'confirmed', revision: 8 }, 40);
  return one;
}

export function write(action: LeaseAction | undefined): LeaseWrite {
  assert.ok(action && action.kind !== 'read', `a write was expected: ${action?.kind}`);
  return action;
}

/** A tick; what was long not heard of still stands in the store when it asks. */
export function look(one: LeaseMachine, atMs: number, facts: Facts = well) {
  const action = one.tick(atMs, facts);
  if (action?.kind !== 'read' || !one.entry) return action;
  one.read(one.entry, atMs);
  return one.tick(atMs, facts);
}

/** A key and machines over it, which hear of everything at once. */
export class Register {
  revision: number;
  document: LeaseDocument | undefined;
  readonly machines: readonly LeaseMachine[];
  /** What was asked of the store. */
  readonly asked: string[] = [];

  constructor(machines: readonly LeaseMachine[], revision: number, document?: LeaseDocument) {
    this.machines = machines;
    this.revision = revision;
    this.document = document;
  }

  /** By somebody else. */
  put(document: LeaseDocument | undefined): void {
    this.revision++;
    this.document = document && parseLease(encodeLease(document));
    this.#tell(this.atMs);
  }

  /** Nobody is told. */
  setBack(revision: number, document?: LeaseDocument): void {
    this.revision = revision;
    this.document = document;
  }

  atMs = 0;

  /** Time passes for those machines; the others stand still, or are dead. */
  pass(ms: number, living = this.machines, facts: (one: LeaseMachine) => Facts = () => well): void {
    for (const endMs = this.atMs + ms; this.atMs < endMs; this.atMs += 100) {
      for (const one of living) this.#step(one, facts(one));
    }
  }

  #step(one: LeaseMachine, facts: Facts): void {
    const { atMs, revision, document } = this;
    const action = one.tick(atMs, facts);
    if (!action) return;
    this.asked.push(action.kind);
    if (action.kind === 'read') one.read({ revision, document }, atMs);
    else if (action.expectedRevision !== revision) one.wrote({ kind: 'conflict' }, atMs);
    else {
      this.revision++;
      this.document = parseLease(encodeLease(action.document));
      one.wrote({ kind: 'confirmed', revision: this.revision }, atMs);
      this.#tell(atMs);
    }
  }

  #tell(atMs: number): void {
    const { revision, document } = this;
    for (const one of this.machines) one.observe({ revision, document }, atMs);
  }
}
