import { LinkError } from './link-error.ts';

/** Largest content of a frame. */
export const maxFrameBytes = 1024 * 1024;

const lengthBytes = 4;

/**
 * A control frame on the link:
 *
 *   ┌───────────────────────┬──────────────────────────────┐
 *   │ length, u32 big-endian│ content: UTF-8 JSON, ≤ 1 MiB │
 *   └───────────────────────┴──────────────────────────────┘
 *
 * The accepting side answers each with an empty frame (`acknowledgement`), so that the
 * sender learns of a stall within seconds and not from TCP, which retries for minutes.
 */
export function encodeFrame(value: unknown): Buffer {
  const text = JSON.stringify(value);
  const contentBytes = Buffer.byteLength(text);
  if (contentBytes > maxFrameBytes) throw tooLarge(contentBytes);
  const frame = Buffer.allocUnsafe(lengthBytes + contentBytes);
  frame.writeUInt32BE(contentBytes, 0);
  frame.write(text, lengthBytes);
  return frame;
}

/** The frame of content that is JSON already: to pass on what was received, as it is. */
export function frameAgain(content: Uint8Array): Buffer {
  if (content.length > maxFrameBytes) throw tooLarge(content.length);
  const frame = Buffer.allocUnsafe(lengthBytes + content.length);
  frame.writeUInt32BE(content.length, 0);
  frame.set(content, lengthBytes);
  return frame;
}

export const acknowledgement: Buffer = Buffer.alloc(lengthBytes);

function tooLarge(contentBytes: number): LinkError {
  return new LinkError(
    'frame_too_large',
    `a frame of ${contentBytes} bytes exceeds the limit of ${maxFrameBytes}`,
  );
}

/**
 * Cuts a byte stream into frames. Memory is bounded by one frame, however small the pieces
 * are that it arrives in; each byte is copied at most once.
 *
 *      ┌──────── length complete, > 0 ───────┐
 *   length ◀── acknowledgement ──┐           ▼
 *      ▲  └──────────────────────┘        content
 *      └───────── content complete ──────────┘
 */
export class FrameDecoder {
  readonly #limitBytes: number;
  readonly #length = Buffer.alloc(lengthBytes);
  #lengthFilled = 0;
  /** Content of the frame under way; `undefined` while its length is being read. */
  #content: Buffer | undefined;
  #contentFilled = 0;

  constructor(limitBytes: number = maxFrameBytes) {
    this.#limitBytes = limitBytes;
  }

  /**
   * Calls `onFrame` with the content of every frame that `bytes` completes; empty for an
   * acknowledgement. Throws `LinkError` (`frame_too_large`); the connection is of no use
   * after that.
   */
  push(bytes: Buffer, onFrame: (content: Buffer) => void): void {
    let at = 0;
    while (at < bytes.length) {
      if (!this.#content) {
        const taken = bytes.copy(this.#length, this.#lengthFilled, at);
        at += taken;
        this.#lengthFilled += taken;
        if (this.#lengthFilled < lengthBytes) return;
        this.#lengthFilled = 0;
        const dueBytes = this.#length.readUInt32BE(0);
        if (dueBytes > this.#limitBytes) throw tooLarge(dueBytes);
        if (dueBytes > bytes.length - at) {
          this.#content = Buffer.allocUnsafe(dueBytes);
          this.#contentFilled = 0;
          continue;
        }
        onFrame(bytes.subarray(at, at + dueBytes));
        at += dueBytes;
        continue;
      }
      const taken = bytes.copy(this.#content, this.#contentFilled, at);
      at += taken;
      this.#contentFilled += taken;
      if (this.#contentFilled < this.#content.length) return;
      const content = this.#content;
      this.#content = undefined;
      onFrame(content);
    }
  }
}
