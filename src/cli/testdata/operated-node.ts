import type {
  ApplyRequest,
  NodeProgress,
  RevisionsView,
  RollbackRequest,
} from '../../admin/node-view.ts';
import { FakeNode, status } from '../../admin/testdata/fake-node.ts';
import { systemClock } from '../../base/clock.ts';
import { acceptDocument } from '../../config/document.ts';
import { nodesOf } from '../../revisions/change.ts';
import { compareNodes, driftOf } from '../../revisions/drift.ts';
import { fail } from '../../revisions/errors.ts';
import type { ObservedReport } from '../../revisions/reports.ts';
import {
  type Acknowledgement,
  desiredRevision,
  type Head,
  type RevisionInfo,
} from '../../revisions/revision.ts';
import { Revisions } from '../../revisions/revisions.ts';
import type { RolloutAction } from '../../revisions/rollout.ts';
import { MemoryStore } from '../../store/memory/memory-store.ts';

/** How a region takes a revision up. */
export type Behaviour = 'serves' | 'refuses' | 'silent';

/**
 * The admin API of a node with real revisions in memory, among regions that do as they are
 * told: whoever serves has taken a revision up by the time that it is asked about.
 */
export class OperatedNode extends FakeNode {
  readonly behaviours = new Map<string, Behaviour>();
  override readonly revisions: OperatedRevisions = new OperatedRevisions(this.behaviours);
}

export class OperatedRevisions implements RevisionsView {
  readonly core: Revisions;
  /** What waves do each time that they are asked about, as the nodes would. */
  readonly moves: (readonly [action: RolloutAction | 'wait', reason: string])[] = [];
  /** Thrown instead of the next change. */
  refusal: unknown;
  lastApply: ApplyRequest | undefined;
  readonly #behaviours: ReadonlyMap<string, Behaviour>;
  readonly #served = new Map<string, RevisionInfo>();

  constructor(behaviours: ReadonlyMap<string, Behaviour>) {
    this.#behaviours = behaviours;
    this.core = new Revisions(new MemoryStore(systemClock), systemClock);
  }

  async current() {
    return { head: (await this.core.head())?.head, running: status.revision };
  }

  async document(sequence: number | undefined) {
    if (sequence === undefined) return { info: undefined, document: { regions: {} }, serial: 7 };
    const info = await this.core.find(sequence);
    return { info, document: await this.core.read(info), serial: info.serial };
  }

  history(limit: number) {
    return this.core.history(limit);
  }

  async apply(request: ApplyRequest) {
    this.lastApply = request;
    this.#refuse();
    const { document, revision: hash } = acceptDocument(request.document, 'the document');
    return this.core.apply({ ...request, document, hash });
  }

  rollback(request: RollbackRequest) {
    this.#refuse();
    return this.core.rollback(request);
  }

  async progress(): Promise<readonly NodeProgress[]> {
    const rows = compareNodes(await this.#view());
    const move = this.moves.shift();
    const seen = await this.core.head();
    if (move && move[0] !== 'wait' && seen) await this.core.moveRollout(seen, move[0], move[1], []);
    return rows.map((row) => ({ ...row, durationMs: 120, pendingRestart: [] }));
  }

  async drift() {
    return driftOf(await this.#view());
  }

  async bundle() {
    return new TextEncoder().encode('a bundle');
  }

  #refuse(): void {
    const { refusal } = this;
    this.refusal = undefined;
    if (refusal !== undefined) throw refusal;
  }

  async #view() {
    const head = (await this.core.head())?.head ?? fail('no_revision', 'nothing was applied');
    const nodes = nodesOf(await this.core.read(head.current));
    const told = [...nodes].flatMap(([region, names]) =>
      names.map((node) => this.#tell(head, region, node)),
    );
    return {
      head,
      nodes,
      acknowledgements: told.map(({ acknowledgement }) => acknowledgement),
      reports: told.map(({ report }) => report),
      nowMs: Date.now(),
    };
  }

  #tell(head: Head, region: string, node: string) {
    const behaviour = this.#behaviours.get(region) ?? 'serves';
    const desired = desiredRevision(head, region);
    if (behaviour === 'serves') this.#served.set(region, desired);
    const { sequence, hash } = this.#served.get(region) ?? { sequence: 0, hash: '0'.repeat(64) };
    const at = new Date().toISOString();
    const refused = { ...desired, code: 'listen_failed', reason: 'port 8081 is taken' };
    const acknowledgement: Acknowledgement = {
      version: 1,
      region,
      node,
      running: { sequence, hash },
      durationMs: 120,
      refused: behaviour === 'refuses' ? refused : undefined,
      pendingRestart: [],
      at,
    };
    const report: ObservedReport = {
      region,
      node,
      ready: true,
      revision: { sequence, hash },
      traffic: status.traffic,
      reportedAt: at,
      storeRevision: 1,
      silentForMs: behaviour === 'silent' ? 60_000 : 0,
    };
    return { acknowledgement, report };
  }
}
