import type { Config } from '../config/schema/config.ts';
import type { Material } from './material.ts';

/** What the main thread gives a worker thread when it starts it. Cloned, but for the buffers. */
export interface ThreadData {
  readonly config: Config;
  readonly region: string;
  /** SOA serial of the zones. */
  readonly sequence: number;
  readonly healthBuffer: SharedArrayBuffer;
  readonly metricsBuffer: SharedArrayBuffer;
  readonly material: Material;
  /** `undefined`: no access log. */
  readonly accessLogPath: string | undefined;
}

export interface ToThread {
  readonly kind: 'drain' | 'reopenLogs' | 'close';
}

export type FromThread =
  | { readonly kind: 'listening' }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'frame'; readonly region: string; readonly bytes: Uint8Array };
