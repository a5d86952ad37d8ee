import { request } from 'node:https';
import { MeridianError, messageOf } from '../../base/errors.ts';
import type { Config } from '../../config/schema/config.ts';
import { type LinkIdentity, linkClientOptions } from '../../link/identity.ts';
import { type Bundle, decodeBundle } from '../../revisions/bundle.ts';

/** A node that may have a copy of the configuration. */
export interface Peer {
  /** That its certificate must name. */
  readonly region: string;
  readonly host: string;
  /** Of the inter-region link. */
  readonly port: number;
}

export type PeerErrorCode = 'peer_refused' | 'peer_unreachable';

const answerLimitMs = 2_000;
const copyLimitMs = 30_000;
const maximumBytes = 96 * 1024 * 1024;
const bundlePath = '/.meridian/bundle';

/** The nodes of every region that a configuration knows, but for the one that asks. */
export function peersOf(config: Config, own: { region: string; node: string }): Peer[] {
  return Object.entries(config.regions).flatMap(([region, { address, nodes }]) =>
    Object.entries(nodes ?? { [region]: { address } })
      .filter(([node]) => region !== own.region || node !== own.node)
      .map(([, at]) => ({ region, host: at.address, port: config.ports.link })),
  );
}

/** What the peers gave, and what went wrong with those that gave nothing. */
export interface PeerCopies {
  /** Of the highest sequence; `undefined` when nobody has one. */
  readonly newest: Bundle | undefined;
  readonly from: Peer | undefined;
  readonly failures: readonly string[];
}

/**
 * Asks all peers at the same time for their copy of the configuration, over the
 * inter-region link: they prove to be of their region, and this node of its own. Who does
 * not answer costs two seconds.
 */
export async function askPeers(
  peers: readonly Peer[],
  identity: LinkIdentity,
): Promise<PeerCopies> {
  const failures: string[] = [];
  let newest: Bundle | undefined;
  let from: Peer | undefined;
  await Promise.all(
    peers.map(async (peer) => {
      try {
        const bundle = await decodeBundle(await fetchBundle(peer, identity));
        if (newest && newest.info.sequence >= bundle.info.sequence) return;
        newest = bundle;
        from = peer;
      } catch (error) {
        failures.push(`${peer.region} at ${peer.host}:${peer.port}: ${messageOf(error)}`);
      }
    }),
  );
  return { newest, from, failures };
}

function fetchBundle(peer: Peer, identity: LinkIdentity): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const fail = (cause: Error) => {
    clearTimeout(limit);
    reject(new MeridianError<PeerErrorCode>('peer_unreachable', cause.message, { cause }));
  };
  const { host, port } = peer;
  const options = { ...linkClientOptions(identity, peer.region), host, port, path: bundlePath };
  const asked = request({ ...options, agent: false }, (answer) => {
    endAfter(copyLimitMs, 'it did not send its copy');
    const parts: Buffer[] = [];
    let bytes = 0;
    answer.on('error', fail);
    answer.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > maximumBytes) answer.destroy(new Error('its copy is too large'));
      else parts.push(part);
    });
    answer.on('end', () => {
      clearTimeout(limit);
      if (answer.statusCode === 200) return resolve(Buffer.concat(parts));
      const why = answer.statusCode === 404 ? 'it has no copy' : `status ${answer.statusCode}`;
      reject(new MeridianError<PeerErrorCode>('peer_refused', why));
    });
  });
  let limit: NodeJS.Timeout | undefined;
  const endAfter = (limitMs: number, what: string) => {
    clearTimeout(limit);
    const message = `${what} within ${limitMs / 1_000} s`;
    limit = setTimeout(() => asked.destroy(new Error(message)), limitMs);
  };
  endAfter(answerLimitMs, 'it did not answer');
  asked.on('error', fail);
  asked.end();
  return promise;
}
