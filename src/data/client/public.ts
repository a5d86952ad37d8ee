/** Replicated data for services: what `meridian-gateway/data` exports. */
export type {
  Condition,
  DataEvent,
  Entry,
  LostWrite,
  Read,
  ReadOptions,
  WriteOptions,
} from '../bucket.ts';
export {
  type ClaimedOperation,
  createOnce,
  type OnceBucket,
  OnceError,
  type OnceErrorCode,
  type OnceOptions,
  type OnceResult,
  once,
} from '../once/once.ts';
export {
  type BucketClient,
  createDataClient,
  type DataClient,
  type DataClientOptions,
  type ListCallOptions,
  type LostCallOptions,
  type ReadCallOptions,
  type WriteCallOptions,
} from './client.ts';
export { DataClientError, type DataClientErrorCode } from './client-error.ts';
export type { CallOptions } from './exchange.ts';
export type { WatchCallOptions } from './watch.ts';
