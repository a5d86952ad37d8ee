import type { Finding } from '../config-error.ts';
import type { Draft } from '../draft.ts';

/** A rule that the schema cannot state. Pure; sees refused parts as `undefined`. */
export type Rule = (draft: Draft, report: (finding: Finding) => void) => void;
