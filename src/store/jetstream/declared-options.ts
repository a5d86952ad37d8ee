import type { NatsConnection } from '@nats-io/transport-node';
import type { DeclaredSettings } from '../declared.ts';
import type { CopiedRecord } from './cached-reads.ts';
import type { Link } from './link.ts';
import type { StreamShape } from './streams.ts';

export interface DeclaredBucketOptions {
  /** Of the stream: `orders_data`. */
  readonly name: string;
  /** Whose barriers these are. */
  readonly node: string;
  readonly link: Link;
  replicas(): number;
  /** It was closed: nothing runs for it any more. */
  onClose(): void;
  readonly settings: DeclaredSettings;
}

/** As long as it is used: its copies are as many as the hub has voters for, each time. */
export function shapeOf(
  { replicas }: DeclaredBucketOptions,
  declared: DeclaredSettings,
): StreamShape {
  return {
    declared,
    get replicas() {
      return replicas();
    },
  };
}

/** What a copy answered. */
export interface Asked {
  readonly found: ReadonlyMap<string, CopiedRecord>;
  /** Of the last barrier there; 0: it has none, or was not asked. */
  readonly place: number;
  /** Over which connection. */
  readonly on: NatsConnection | undefined;
}
