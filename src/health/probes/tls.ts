import type { Clock } from '../../base/clock.ts';
import type { Conversation } from './attempt.ts';
import { expiryNote } from './certificate.ts';

/** A handshake is enough. */
export const tlsConversation = (clock: Clock): Conversation => ({
  begin(attempt) {
    const note = expiryNote(attempt.socket, clock.wallMs());
    attempt.socket.resume();
    attempt.finish(true, `TLS handshake done${note}`);
  },
});
