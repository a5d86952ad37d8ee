import type { Conversation } from './attempt.ts';

/** A connection is enough. What the peer says unasked, such as a greeting, is dropped. */
export const tcpConversation: Conversation = {
  begin(attempt) {
    attempt.socket.resume();
    attempt.finish(true, 'connected');
  },
};
