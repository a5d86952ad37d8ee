import type { Socket } from 'node:net';

const noBytes: Buffer = Buffer.alloc(0);

export interface FirstBytesOptions {
  /** From now until they have come. */
  readonly limitMs: number;
  /**
   * What has come by now → how many octets are taken away; 0: they were only looked at;
   * `undefined`: more must come. It bounds how many, and throws to refuse the connection.
   */
  look(bytes: Buffer): number | undefined;
  /** The socket is paused; what was not taken comes again. */
  onTaken(): void;
  /** Too late, ended too early, or not as it should be. `error`: what `look` threw. */
  onRefused(error: unknown): void;
}

/**
 * Reads the start of a connection before it is known what the rest is for. An error of the
 * socket, also one while it waits for whoever takes it next, is nobody's: its close follows.
 */
export function takeFirstBytes(socket: Socket, options: FirstBytesOptions): void {
  socket.on('error', nothing);
  let bytes = noBytes;
  const stop = () => {
    clearTimeout(late);
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.off('close', onClose);
  };
  const refuse = (error: unknown) => {
    stop();
    socket.destroy();
    options.onRefused(error);
  };
  const onEnd = () => refuse(undefined);
  const onClose = () => stop();
  const late = setTimeout(onEnd, options.limitMs);
  const onData = (chunk: Buffer) => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    let taken: number | undefined;
    try {
      taken = options.look(bytes);
    } catch (error) {
      refuse(error);
      return;
    }
    if (taken === undefined) return;
    stop();
    socket.pause();
    if (taken < bytes.length) socket.unshift(bytes.subarray(taken));
    options.onTaken();
  };
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('close', onClose);
}

function nothing(): void {}
