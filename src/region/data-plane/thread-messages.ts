import type { Config } from '../../config/schema/config.ts';
import type { OutsideStatus } from '../../dns/outside/outside-status.ts';
import type { TransferredZones } from '../../dns/transfer/zone-image.ts';
import type { GeoDatabase } from '../../steering/geo/locator.ts';
import type { MeasuredCells } from '../../steering/latency/measured-cells.ts';
import type { AppliedShift } from '../../steering/shifts/applied.ts';
import type { Material } from '../configuration/material.ts';
import type { OwnNode } from '../own-node.ts';
import type { PackedConfig } from './packed-config.ts';
import type { ReportBatch } from './report-buffer.ts';

/** What a worker thread serves from, one generation of it. Cloned, but for the buffers. */
export interface ThreadData {
  readonly generation: number;
  /** Index among the threads of its role. */
  readonly thread: number;
  readonly config: Config;
  readonly own: OwnNode;
  /** SOA serial of the zones. */
  readonly serial: number;
  readonly healthBuffer: SharedArrayBuffer;
  readonly metricsBuffer: SharedArrayBuffer;
  readonly material: Material;
  /** Of all threads of the role, for TLS sessions. */
  readonly sessionSecret: Uint8Array | undefined;
  /** Shifts of traffic in force. */
  readonly shifts: readonly AppliedShift[];
  /** Of all name servers, for DNS cookies. */
  readonly dnsCookieSecret?: Uint8Array;
  /** Of all name servers: what limits of responses are counted in. */
  readonly dnsRateTable?: SharedArrayBuffer;
  /** Where clients are, of name servers. The bytes are shared. */
  readonly geoDatabase?: GeoDatabase | undefined;
  /** What there is of zones that come from elsewhere, of name servers. The bytes are shared. */
  readonly transferred: TransferredZones;
  /** What browsers measured, of name servers. */
  readonly measured?: MeasuredCells | undefined;
  /** `undefined`: no access log. */
  readonly accessLogPath: string | undefined;
  /** What nodes that start without a configuration are given over the link. */
  readonly bundle: Uint8Array | undefined;
}

export type PackedThreadData = Omit<ThreadData, 'config'> & { readonly config: PackedConfig };

/**
 * A new generation comes in two steps, so that all threads swap or none does:
 *
 *   prepare ─▶ prepared ─▶ commit ─▶ … ─▶ drained (the last request of the one before ended)
 *           └▶ refused    └▶ abandon
 */
export type ToThread =
  | { readonly kind: 'prepare'; readonly data: PackedThreadData }
  | { readonly kind: 'commit' | 'abandon'; readonly generation: number }
  | { readonly kind: 'drain'; readonly on: boolean }
  | { readonly kind: 'sessionSecret'; readonly secret: Uint8Array }
  | { readonly kind: 'shifts'; readonly shifts: readonly AppliedShift[] }
  | { readonly kind: 'measured'; readonly cells: MeasuredCells | undefined }
  | { readonly kind: 'reopenLogs' | 'close' };

export type FromThread =
  | { readonly kind: 'listening' }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string }
  | { readonly kind: 'prepared'; readonly generation: number }
  | {
      readonly kind: 'refused';
      readonly generation: number;
      readonly code: string | undefined;
      readonly message: string;
    }
  /** `generation` is the one that ended. */
  | { readonly kind: 'drained'; readonly generation: number }
  | { readonly kind: 'warning'; readonly message: string }
  /** `source` says that a zone has changed there (RFC 1996). */
  | { readonly kind: 'notify'; readonly zone: string; readonly source: string }
  /** All that the thread knows of names outside of the zones. */
  | { readonly kind: 'outside'; readonly names: readonly OutsideStatus[] }
  | { readonly kind: 'reports'; readonly batch: ReportBatch }
  | { readonly kind: 'frame'; readonly region: string; readonly bytes: Uint8Array };
