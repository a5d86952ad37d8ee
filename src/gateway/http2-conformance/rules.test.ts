import { runHttp2Cases } from '../../../test/support/http2-cases.ts';
import { framesRules } from '../../../test/support/http2-rules/frames.ts';
import { framingRules } from '../../../test/support/http2-rules/framing.ts';
import { hpackRules } from '../../../test/support/http2-rules/hpack.ts';
import { messagesRules } from '../../../test/support/http2-rules/messages.ts';
import { streamsRules } from '../../../test/support/http2-rules/streams.ts';

runHttp2Cases({
  ...framingRules,
  ...streamsRules,
  ...framesRules,
  ...messagesRules,
  ...hpackRules,
});
