import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import type { DataBucket } from '../bucket.ts';
import type { DataApiCounters } from './counters.ts';
import type { EventTurns } from './event-turns.ts';
import type { Parameters } from './parameters.ts';
import type { Caller } from './rights.ts';
import type { SharedRoom } from './shared-room.ts';
import type { Watches } from './watches.ts';

/** A bucket of the configuration as this region has it. */
export interface ServedBucket {
  readonly consistency: 'sync' | 'async';
  readonly maximumValueBytes: number;
  /** Those that hold a copy. */
  readonly regions: readonly string[];
  /** `undefined`: its data must not come to this region. */
  readonly bucket: DataBucket | undefined;
}

export type ServedBuckets = ReadonlyMap<string, ServedBucket>;

/** What calls share. */
export interface CallContext {
  readonly region: string;
  readonly buckets: ServedBuckets;
  /** Requests under way, watches not. */
  readonly requests: SharedRoom;
  /** Octets of bodies on their way. */
  readonly bodies: SharedRoom;
  /** Octets of values, while an answer of many is made. */
  readonly values: SharedRoom;
  readonly watches: Watches;
  readonly turns: EventTurns;
  readonly counters: DataApiCounters;
  readonly clock: Clock;
  /** The document of the API, as JSON. */
  readonly document: string;
  /** For a client to take an answer, or the next event. */
  readonly answerTimeMs: number;
  /** Told of a connection that showed a token which is known. */
  onKnown(request: IncomingMessage): void;
}

/** A request that passed every check which needs none of its body. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly context: CallContext;
  readonly caller: Caller;
  readonly parameters: Parameters;
}

export interface BucketCall extends Call {
  readonly name: string;
  readonly bucket: DataBucket;
  readonly served: ServedBucket;
}

export interface KeyCall extends BucketCall {
  readonly key: string;
}
