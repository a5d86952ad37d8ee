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
  /** `parameters` holds what was given of those declared, each at most once. */
  answer(view: NodeView, parameters: Readonly<Record<string, string>>): Answer | Promise<Answer>;
}
