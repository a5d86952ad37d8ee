import type { ShiftStatus } from '../../admin/shifts-view.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../observability/log.ts';
import { ShiftController } from '../../shifts/controller.ts';
import type { NodeSides } from '../../shifts/counts.ts';
import { ShiftFollower } from '../../shifts/follower.ts';
import { measure } from '../../shifts/measure.ts';
import {
  appliedShifts,
  isActive,
  isInForce,
  type Shift,
  type ShiftDocument,
  shareOfShift,
} from '../../shifts/shift.ts';
import { Shifts } from '../../shifts/shifts.ts';
import { subjectName, weightsOf } from '../../steering/shifts/subject.ts';
import type { Store } from '../../store/store.ts';
import type { LiveConfiguration } from '../configuration/live-configuration.ts';
import type { DataPlane } from '../data-plane/data-plane.ts';
import type { LastShiftsFile } from './last-shifts.ts';

export interface NodeShiftsOptions {
  readonly store: Store;
  readonly live: Pick<LiveConfiguration, 'configuration'>;
  readonly dataPlane: Pick<DataPlane, 'useShifts' | 'gatewayMetrics'>;
  readonly file: LastShiftsFile;
  /** Whether a revision is being rolled out. */
  rolling(): boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Shifts of traffic on one node:
 *
 *   store ─▶ follower ─┬─▶ threads: weights in force      counters ─▶ report of the node
 *                      ├─▶ disk                                            │
 *                      └─▶ controller ─ what is due ─▶ compare-and-set ◀───┘ of all nodes
 */
export class NodeShifts {
  readonly shifts: Shifts;
  readonly #options: NodeShiftsOptions;
  readonly #follower: ShiftFollower;
  readonly #controller: ShiftController;

  constructor(options: NodeShiftsOptions) {
    const { store, live, clock, log, file, rolling } = options;
    this.#options = options;
    const shifts = new Shifts(store, clock);
    this.shifts = shifts;
    const known = file.last;
    const { region, node } = live.configuration.own;
    const onTrouble = (message: string) => log.warn(message);
    this.#controller = new ShiftController({
      ...{ shifts, region, node, clock, rolling, onTrouble },
      config: () => live.configuration.config,
      onAction: ({ action, reason }, { id, subject }) =>
        log.info('shift moved', { shift: id, subject: subjectName(subject), action, reason }),
    });
    const onDocument = (document: ShiftDocument) => this.#hold(document);
    this.#follower = new ShiftFollower({ shifts, clock, known, onDocument, onTrouble });
  }

  start(): void {
    if (this.#follower.document) this.#controller.observe(this.#follower.document);
    this.#follower.start();
  }

  async close(): Promise<void> {
    this.#follower.close();
    this.#controller.close();
    await this.#options.file.close();
  }

  /** The newest that was seen. */
  get document(): ShiftDocument | undefined {
    return this.#follower.document;
  }

  /** What this node itself has just changed. */
  adopt(document: ShiftDocument): void {
    this.#follower.adopt(document);
  }

  /** What is wrong, a sentence each. */
  get troubles(): string[] {
    const { trouble } = this.#follower;
    const own = [trouble, this.#controller.trouble].filter((one) => one !== undefined);
    const held = (this.document?.shifts ?? []).filter(({ state }) => state === 'paused');
    return [
      ...own,
      ...held.map(
        ({ id, subject, reason }) => `shift ${id} of ${subjectName(subject)} is paused: ${reason}`,
      ),
    ];
  }

  /** Of those in force, and of those that ended last. */
  statuses(): ShiftStatus[] {
    return (this.document?.shifts ?? []).map((shift) => this.#statusOf(shift));
  }

  /**
   * What this node has counted of each that may go on, since it began to serve. A matter of
   * milliseconds with 10,000 routes.
   */
  counts(startedAt: string): Record<string, NodeSides> | undefined {
    const active = (this.document?.shifts ?? []).filter(isActive);
    if (active.length === 0) return undefined;
    const { live, dataPlane } = this.#options;
    const { config, own } = live.configuration;
    const metrics = dataPlane.gatewayMetrics();
    const counter = (service?: string) => metrics.served(service);
    return Object.fromEntries(
      active.map(({ id, subject, to }) => [
        id,
        { ...measure(subject, to, config, own.region, counter), startedAt },
      ]),
    );
  }

  #hold(document: ShiftDocument): void {
    const { dataPlane, file } = this.#options;
    dataPlane.useShifts(appliedShifts(document));
    file.write(document);
    this.#controller.observe(document);
  }

  #statusOf(shift: Shift): ShiftStatus {
    const { id, subject, to, state, from, configured, steps, step, turn, basis } = shift;
    const { config } = this.#options.live.configuration;
    const outlook = isActive(shift) ? this.#controller.outlook(id) : undefined;
    return {
      id,
      subject: subjectName(subject),
      of: subject,
      basis,
      to,
      state,
      share: shareOfShift(shift),
      holds: isInForce(shift) && weightsOf(subject, config)?.basis === basis,
      from,
      configured,
      steps,
      step,
      turn,
      reason: shift.reason,
      ...(outlook !== undefined && { outlook }),
      changedAt: shift.changedAt,
    };
  }
}
