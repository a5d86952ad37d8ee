import { createHash } from 'node:crypto';
import { MeridianError, messageOf } from '../../base/errors.ts';
import type { RevisionInfo } from '../../revisions/revision.ts';
import type { Origin, SealedSecrets } from '../configuration/configuration.ts';

export type SnapshotErrorCode = 'snapshot_damaged' | 'snapshot_version' | 'snapshot_unreadable';

/**
 * Everything that a node needs to serve with no store, no other region and no file. What is
 * secret in it is sealed; a node without an outer key leaves its own keys out, and reads
 * them from their files again.
 */
export interface Snapshot {
  /** Whose: it holds that region's keys, and no other can serve from it. */
  readonly region: string;
  readonly node: string;
  /** Content hash of the configuration. */
  readonly hash: string;
  readonly serial: number;
  /** `undefined`: of a file. */
  readonly info: RevisionInfo | undefined;
  readonly origin: Origin;
  readonly seed: string | undefined;
  readonly writtenAtMs: number;
  /** The configuration as written: validated again when it is read. */
  readonly document: unknown;
  readonly secrets: SealedSecrets;
  /** The envelope of the node's certificates and keys (`Material` as JSON). */
  readonly material: unknown;
}

const formatVersion = 2;
const headerPattern = /^meridian-snapshot (\d+) sha256=([0-9a-f]{64}) bytes=(\d+)$/;

/**
 * The file form of a snapshot: one line of text, then JSON.
 *
 *   meridian-snapshot 2 sha256=<64 hex> bytes=<length of the JSON>⏎{…}
 */
export function encodeSnapshot(snapshot: Snapshot): Buffer {
  const body = Buffer.from(JSON.stringify(snapshot));
  const header = `meridian-snapshot ${formatVersion} sha256=${digest(body)} bytes=${body.length}\n`;
  return Buffer.concat([Buffer.from(header), body]);
}

/**
 * Reads the file form back.
 *
 * @throws MeridianError `snapshot_damaged` when torn or altered in any bit,
 *   `snapshot_version` when written by another format of Meridian.
 */
export function decodeSnapshot(bytes: Buffer): Snapshot {
  const headerEnd = bytes.indexOf(0x0a);
  const header = headerPattern.exec(bytes.subarray(0, Math.max(0, headerEnd)).toString('latin1'));
  if (!header) damaged('its first line is not that of a snapshot');
  if (Number(header[1]) !== formatVersion) {
    throw new MeridianError<SnapshotErrorCode>(
      'snapshot_version',
      `snapshot format ${header[1]} is not the format ${formatVersion} of this version`,
    );
  }
  const body = bytes.subarray(headerEnd + 1);
  if (body.length !== Number(header[3])) {
    damaged(`it holds ${body.length} bytes where ${header[3]} were written`);
  }
  if (digest(body) !== header[2]) damaged('its checksum does not match');
  try {
    return JSON.parse(body.toString()) as Snapshot;
  } catch (cause) {
    return damaged(`its content does not parse: ${messageOf(cause)}`);
  }
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function damaged(why: string): never {
  throw new MeridianError<SnapshotErrorCode>('snapshot_damaged', `the snapshot is damaged: ${why}`);
}
