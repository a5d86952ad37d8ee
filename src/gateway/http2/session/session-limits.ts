import { defaultFloodBudgets, type FloodBudgets } from './floods.ts';

/** What one connection lets its peer do. */
export interface SessionLimits {
  /** Streams that the peer may have open at a time (SETTINGS_MAX_CONCURRENT_STREAMS). */
  readonly streams: number;
  /** Octets of content that a stream may bring before they are consumed. At least 65,535. */
  readonly streamWindow: number;
  /**
   * The same of all streams together, which is what the connection can make us hold. At least
   * 65,535.
   */
  readonly connectionWindow: number;
  /** Of one field section: octets as RFC 9113 section 6.5.2 counts them, and lines. */
  readonly fieldBytes: number;
  readonly fieldCount: number;
  readonly floods: FloodBudgets;
}

export const defaultSessionLimits: SessionLimits = Object.freeze({
  streams: 100,
  streamWindow: 256 * 1024,
  connectionWindow: 1024 * 1024,
  fieldBytes: 32_768,
  fieldCount: 100,
  floods: defaultFloodBudgets,
});
