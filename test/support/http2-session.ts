import type { RequestSection, ResponseSection } from '../../src/gateway/http2/field-section.ts';
import type { FloodLimit } from '../../src/gateway/http2/session/floods.ts';
import { Session, type SessionOwner } from '../../src/gateway/http2/session/session.ts';
import {
  defaultSessionLimits,
  type SessionLimits,
} from '../../src/gateway/http2/session/session-limits.ts';
import type { Stream, StreamEnd, StreamReceiver } from '../../src/gateway/http2/session/stream.ts';
import { frame, frameTypes, preface, type RawFrame, settings } from './raw-http2.ts';

/** Takes what comes on one stream, and keeps all of it until it is told to consume. */
export class KeptStream implements StreamReceiver {
  readonly stream: Stream;
  readonly section: RequestSection | undefined;
  readonly heads: ResponseSection[] = [];
  readonly ends: [StreamEnd, number][] = [];
  bytes = 0;
  drains = 0;
  ended = false;

  constructor(stream: Stream, section: RequestSection | undefined) {
    this.stream = stream;
    this.section = section;
  }

  onHead(section: ResponseSection): void {
    this.heads.push(section);
  }

  onData(_bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start;
  }

  onEnd(): void {
    this.ended = true;
  }

  onPause(): void {}

  onDrain(): void {
    this.drains++;
  }

  onAbort(end: StreamEnd, code: number): void {
    this.ends.push([end, code]);
  }
}

/** For the moment before there is a stream to keep. */
const nobody: StreamReceiver = {
  onHead() {},
  onData() {},
  onEnd() {},
  onPause() {},
  onDrain() {},
  onAbort() {},
};

/** A session without socket and clock, which takes raw frames and tells those that it sends. */
export class BareSession implements SessionOwner {
  readonly session: Session;
  /** In the order of their requests. */
  readonly streams: KeptStream[] = [];
  readonly floods: FloodLimit[] = [];
  readonly busy: boolean[] = [];
  over: { readonly code: number | undefined } | undefined;
  nowMs = 0;

  constructor(role: 'server' | 'client', limits: Partial<SessionLimits> = {}) {
    this.session = new Session(role, { ...defaultSessionLimits, ...limits }, this);
    this.sent();
    if (role === 'server') this.receive(preface);
    this.receive(frame(frameTypes.SETTINGS, 0, 0, settings()));
    this.sent();
  }

  /** What the peer sends, in one read. */
  receive(...frames: Buffer[]): void {
    const bytes = Buffer.concat(frames);
    this.session.receive(bytes, 0, bytes.length, this.nowMs);
  }

  /** What has gathered since it was last asked, framed without regard to a socket. */
  sent(): RawFrame[] {
    const { outlet } = this.session;
    const frames: RawFrame[] = [];
    for (;;) {
      outlet.pump();
      const bytes = outlet.writer.take();
      if (bytes.length === 0) return frames;
      let at = this.session.role === 'client' && bytes[0] === 0x50 ? preface.length : 0;
      while (at < bytes.length) {
        const end = at + 9 + bytes.readUIntBE(at, 3);
        frames.push({
          type: bytes[at + 3]!,
          flags: bytes[at + 4]!,
          stream: bytes.readUInt32BE(at + 5),
          payload: bytes.subarray(at + 9, end),
        });
        at = end;
      }
    }
  }

  /** Client: a stream for a request. */
  open(): KeptStream {
    const stream = this.session.open(nobody);
    const kept = new KeptStream(stream, undefined);
    stream.receiver = kept;
    this.streams.push(kept);
    return kept;
  }

  onRequest(stream: Stream, section: RequestSection): StreamReceiver {
    const kept = new KeptStream(stream, section);
    this.streams.push(kept);
    return kept;
  }

  onBusy(busy: boolean): void {
    this.busy.push(busy);
  }

  onSettings(): void {}
  onGoAway(): void {}
  onPong(): void {}

  onMalformed(): void {}

  onFlood(limit: FloodLimit): void {
    this.floods.push(limit);
  }

  onOver(error: { readonly code: number } | undefined): void {
    this.over = { code: error?.code };
  }
}
