import type { LeaseDocument } from './lease-document.ts';

/** What a machine wants of the store; one at a time, and answered by `wrote` or `read`. */
export type LeaseAction = { readonly kind: 'read' } | LeaseWrite;

export interface LeaseWrite {
  readonly kind: 'acquire' | 'renew' | 'release';
  readonly document: LeaseDocument;
  /** The write holds only where this is the revision of the key; 0: it was never written. */
  readonly expectedRevision: number;
}

/** `conflict`: another revision stands there. `unknown`: it may have been written. */
export type WriteResult =
  | { readonly kind: 'confirmed'; readonly revision: number }
  | { readonly kind: 'conflict' | 'unknown' };
