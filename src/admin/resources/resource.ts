import type { Answer } from '../answer.ts';
import type { NodeView } from '../node-view.ts';

/** One path of the admin API. `GET` reads and answers `HEAD` too; `POST` changes something. */
export interface Resource {
  readonly path: string;
  readonly method: 'GET' | 'POST';
  /** For the index. */
  readonly summary: string;
  /** Query parameters by name: whether they must be given. */
  readonly parameters?: Readonly<Record<string, 'required' | 'optional'>>;
  /** Without it a small body is read and ignored. */
  readonly body?: BodyRule;
  /**
   * `parameters` holds what was given of those declared, each at most once; `body` the
   * octets where `body` is declared, else none.
   *
   * @throws MeridianError with a code of `problems.ts`; any other error is the node's own
   */
  answer(
    view: NodeView,
    parameters: Readonly<Record<string, string>>,
    body: Buffer,
  ): Answer | Promise<Answer>;
}

export interface BodyRule {
  readonly contentType: 'application/json' | 'application/octet-stream';
  readonly limitBytes: number;
  /** Whether it is wiped from memory once it was answered. */
  readonly secret?: boolean;
}
