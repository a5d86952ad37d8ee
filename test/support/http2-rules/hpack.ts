import { ErrorCode } from '../../../src/gateway/http2/http2-error.ts';
import { get, type Http2Case, type Http2Tables } from '../http2-cases.ts';
import { block, frame, frameTypes } from '../raw-http2.ts';

const request = block(get());

function sends(
  rule: string,
  ...blocks: (readonly (string | Buffer)[])[]
): Pick<Http2Case, 'rule' | 'does'> {
  return {
    rule,
    does: (client) => {
      for (const [at, parts] of blocks.entries()) {
        const octets = parts.map((part) =>
          typeof part === 'string' ? Buffer.from(part.replaceAll(' ', ''), 'hex') : part,
        );
        client.send(frame(frameTypes.HEADERS, 5, 1 + 2 * at, Buffer.concat(octets)));
      }
    },
  };
}

/** The last of the blocks cannot be decoded. */
function broken(rule: string, ...blocks: (readonly (string | Buffer)[])[]): Http2Case {
  return { ...sends(rule, ...blocks), gets: { goAway: ErrorCode.COMPRESSION_ERROR } };
}

/** All are requests. */
function sound(rule: string, ...blocks: (readonly (string | Buffer)[])[]): Http2Case {
  return { ...sends(rule, ...blocks), gets: { status: 200, stream: 2 * blocks.length - 1 } };
}

/** ":method: GET", ":scheme: http", ":path: /" of the static table, ":authority: a.test". */
const indexed = '82 86 84 41 06 61 2e 74 65 73 74';
/** A field "x: y" in each way there is (sections 6.2.1 to 6.2.3). */
const literals = ['40 01 78 01 79', '00 01 78 01 79', '10 01 78 01 79'];

const decoded: Http2Case[] = [
  sound('indexed', [indexed]),
  sound('literals with a new name', [indexed, ...literals]),
  sound('literals with an indexed name', [indexed, '7a 01 79', '0f 2b 01 79', '1f 2b 01 79']),
  // "custom-key: custom-value" of appendix C.4.
  sound('in the Huffman code', [indexed, '40 88 25a849e95ba97d7f 89 25a849e95bb8e8b4bf']),
  sound('a value in the Huffman code', [indexed, '00 01 78 8c f1e3c2e5f23a6ba0ab90f4ff']),
  sound('an empty value in the Huffman code', [indexed, '00 01 78 80']),
  sound('of the dynamic table, in a later block', [indexed, literals[0]!], ['82 86 84 bf be']),
  sound('a table that is emptied and restored', [indexed], ['20 3f e1 1f', indexed]),
  sound('a table of no size', ['20', indexed, literals[0]!]),
  sound(
    'an integer that is longer than it needs to be',
    [indexed, '00 01 78 7f 80 00', 'z'.repeat(127)].map((part) =>
      part.startsWith('z') ? Buffer.from(part) : part,
    ),
  ),
];

const integers: Http2Case[] = [
  broken('of more than 31 bits', [request, 'ff ff ff ff ff 7f']),
  broken('without end', [request, 'ff 80 80 80 80 80 80 80 80 80 80 00']),
  broken('that stops', [request, 'ff 80']),
];

const strings: Http2Case[] = [
  broken('longer than the block', [request, '00 01 78 05 79']),
  broken('without a length', [request, '00 01 78']),
  broken('with padding of more than 7 bits', [request, '00 01 78 82 3f ff']),
  broken('with padding of zeros', [request, '00 01 78 81 38']),
  broken('with EOS', [request, '00 01 78 84 ff ff ff ff']),
];

const indices: Http2Case[] = [
  broken('0', [request, '80']),
  broken('beyond both tables', [request, 'be']),
  broken('beyond both tables, of a name', [request, '7e 01 79']),
  broken('of an entry that was driven out', [indexed, literals[0]!], ['20', request, 'be']),
  broken('far beyond', [request, 'ff ff ff ff 07']),
];

const sizes: Http2Case[] = [
  broken('larger than SETTINGS_HEADER_TABLE_SIZE', ['3f e2 1f', request]),
  broken('at the end of a block', [request, '20']),
  broken('between fields', ['82 20', request]),
];

/** By section. */
export const hpackRules: Http2Tables = {
  'RFC 7541 section 6: what there is': decoded,
  'RFC 7541 section 5.1: integers': integers,
  'RFC 7541 section 5.2: strings': strings,
  'RFC 7541 section 2.3.3: indices': indices,
  'RFC 7541 sections 4.2 and 6.3: sizes of the table': sizes,
};
