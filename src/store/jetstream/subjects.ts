/*
 * A bucket is a stream on the hub and, in every region that reads it, a mirror of the same
 * name on the leaf (mirrors of another name break reads). Names and subjects are those of
 * NATS's own key-value layer, so that its tools can look inside:
 *
 *   bucket `config`, key `routes.a` ─▶ stream `KV_config`, subject `$KV.config.routes.a`
 */
export function streamOf(bucket: string): string {
  return `KV_${bucket}`;
}

/**
 * Of a barrier (`barrier.ts`): in the bucket's stream, and not among its keys. The buckets that
 * have barriers are called `NAME_data`, so that no other one's keys are there. A stream takes those
 * of its own life only (`epoch`): no barrier of one life is confirmed by another.
 */
export function barrierOf(bucket: string, epoch: string, node: string): string {
  return `$KV.${bucket}_barrier.${epoch}.${node}`;
}

export function subjectOf(bucket: string, key: string): string {
  return `$KV.${bucket}.${key}`;
}
