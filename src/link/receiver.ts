import type { TLSSocket } from 'node:tls';
import { acknowledgement, FrameDecoder } from './frames.ts';
import { LinkError } from './link-error.ts';

/** A healthy peer sends twice a second. */
const idleMs = 10_000;
/** Acknowledgements that may wait for a peer that reads nothing; it will reconnect. */
const maxWaitingBytes = 1_024;

/**
 * Takes over an accepted link connection whose ALPN chose `frameProtocol` and whose peer was
 * identified (`peerRegionOf`): hands every frame to `onFrame` and acknowledges it. Ends the
 * connection on a broken frame and after 10 s of silence. `early` is what was read already.
 */
export function acceptFrames(
  socket: TLSSocket,
  peerRegion: string,
  onFrame: (peerRegion: string, content: Buffer) => void,
  early?: Buffer,
): void {
  const decoder = new FrameDecoder();
  const receive = (bytes: Buffer): void => {
    try {
      decoder.push(bytes, (content) => {
        if (content.length === 0) {
          throw new LinkError('empty_frame', `an empty frame from ${peerRegion}`);
        }
        onFrame(peerRegion, content);
        if (socket.writableLength < maxWaitingBytes) socket.write(acknowledgement);
      });
    } catch (error) {
      socket.destroy(error instanceof Error ? error : undefined);
    }
  };
  socket.setNoDelay(true);
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', receive);
  if (early && early.length > 0) receive(early);
}
