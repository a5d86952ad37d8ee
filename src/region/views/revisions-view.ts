import type {
  ApplyRequest,
  NodeProgress,
  RevisionStatus,
  RevisionsView,
  RollbackRequest,
} from '../../admin/node-view.ts';
import type { Clock } from '../../base/clock.ts';
import { MeridianError } from '../../base/errors.ts';
import { acceptDocument } from '../../config/document.ts';
import { checkZones } from '../../dns/zone/check.ts';
import { encodeBundle } from '../../revisions/bundle.ts';
import { compareNodes, type DriftRow, type DriftView, driftOf } from '../../revisions/drift.ts';
import { fail } from '../../revisions/errors.ts';
import { ReportObserver } from '../../revisions/reports.ts';
import type { Acknowledgement, Head } from '../../revisions/revision.ts';
import type { Revisions } from '../../revisions/revisions.ts';
import { sequenceOf } from '../configuration/configuration.ts';
import { expectedNodes } from '../configuration/expected-nodes.ts';
import type { LiveConfiguration } from '../configuration/live-configuration.ts';

export interface RevisionsParts {
  readonly revisions: Revisions;
  readonly live: Pick<LiveConfiguration, 'configuration'>;
  readonly clock: Clock;
}

const keptHistory = 1_000;

/** Revisions by the admin API of any node. */
export function createRevisionsView(
  parts: RevisionsParts,
  running: () => RevisionStatus,
): RevisionsView {
  const { live } = parts;
  const desk = new RevisionsDesk(parts);
  return {
    current: async () => ({
      head: desk.shared ? (await desk.head())?.head : undefined,
      running: running(),
    }),
    document: async (sequence) => {
      const { info, document, serial } = live.configuration;
      if (sequence === undefined || sequence === info?.sequence) return { info, document, serial };
      return desk.document(sequence);
    },
    history: (limit) => desk.history(limit),
    apply: (request) => desk.apply(request),
    rollback: (request) => desk.rollback(request),
    progress: (sequence) => desk.progress(sequence),
    drift: () => desk.drift(),
    bundle: () => desk.bundle(),
  };
}

/** The store behind the view; without one there are no revisions. */
class RevisionsDesk {
  readonly #parts: RevisionsParts;
  readonly #observer: ReportObserver;

  constructor(parts: RevisionsParts) {
    this.#parts = parts;
    this.#observer = new ReportObserver(() => parts.revisions.reports(), parts.clock);
  }

  /** Whether there is a store that revisions could be in. */
  get shared(): boolean {
    return this.#parts.live.configuration.config.store.engine !== 'memory';
  }

  async head() {
    return this.#revisions.head();
  }

  async document(sequence: number) {
    const info = await this.#revisions.find(sequence);
    return { info, document: await this.#revisions.read(info), serial: info.serial };
  }

  async history(limit: number) {
    return this.#revisions.history(limit);
  }

  async apply(request: ApplyRequest) {
    const place = 'the configuration';
    const { config, document, revision: hash } = acceptDocument(request.document, place);
    // Else each node would find it out, and the rollout stop there.
    await checkZones(config, place);
    return this.#revisions.apply({ ...request, document, hash, after: this.#after });
  }

  async rollback(request: RollbackRequest) {
    return this.#revisions.rollback({ ...request, after: this.#after });
  }

  async progress(sequence: number): Promise<readonly NodeProgress[]> {
    const view = await this.#view(() => this.#observer.observe());
    if (view.head.current.sequence < sequence) await this.#revisions.find(sequence);
    const told = new Map(view.acknowledgements.map((ack) => [`${ack.region}.${ack.node}`, ack]));
    return compareNodes(view).map((row) => progressOf(row, told.get(`${row.region}.${row.node}`)));
  }

  async drift(): Promise<readonly DriftRow[]> {
    return driftOf(await this.#view(() => this.#observer.observeSurely()));
  }

  async bundle(): Promise<Uint8Array> {
    const { info, document, secrets } = this.#parts.live.configuration;
    if (info) return encodeBundle({ info, document, secrets });
    return fail('no_revision', 'this node runs a file: there is no revision to export');
  }

  get #revisions(): Revisions {
    if (this.shared) return this.#parts.revisions;
    throw new MeridianError(
      'no_store',
      'this node has no store (engine "memory"): it follows its configuration file; edit that',
    );
  }

  get #after(): number {
    return sequenceOf(this.#parts.live.configuration);
  }

  async #view(observe: () => ReturnType<ReportObserver['observe']>): Promise<DriftView> {
    const head = await this.#requireHead();
    const [acknowledgements, reports, history] = await Promise.all([
      this.#revisions.acknowledgements(),
      observe(),
      this.#revisions.history(keptHistory),
    ]);
    const nodes = expectedNodes(this.#parts.live.configuration.config);
    const appliedHashes = new Set(history.map(({ hash }) => hash));
    const nowMs = this.#parts.clock.wallMs();
    return { head, nodes, acknowledgements, reports, appliedHashes, nowMs };
  }

  async #requireHead(): Promise<Head> {
    const seen = await this.#revisions.head();
    return seen ? seen.head : fail('no_revision', 'nothing was ever applied');
  }
}

function progressOf(row: DriftRow, told: Acknowledgement | undefined): NodeProgress {
  const current = row.state === 'current' || row.state === 'localEdit';
  return {
    ...row,
    durationMs: current ? told?.durationMs : undefined,
    pendingRestart: current ? (told?.pendingRestart ?? []) : [],
  };
}
