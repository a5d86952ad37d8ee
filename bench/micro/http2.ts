import { readRequest } from '../../src/gateway/http2/field-section.ts';
import { HpackDecoder } from '../../src/gateway/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../src/gateway/http2/hpack/encoder.ts';
import type { MicroCase } from './micro-case.ts';
import { firstRequestBlock, laterRequestBlock, responseFields } from './sample-blocks.ts';

const limits = { fieldBytes: 32_768, fieldCount: 100 };

/** Of a connection on which the same was sent before. */
const decoder = new HpackDecoder();
const encoder = new HpackEncoder();
decoder.decode(firstRequestBlock, 0, firstRequestBlock.length, limits);
encoder.encode(responseFields);

const decodeFirst = () =>
  new HpackDecoder().decode(firstRequestBlock, 0, firstRequestBlock.length, limits);
const decodeLater = () => decoder.decode(laterRequestBlock, 0, laterRequestBlock.length, limits);
const decoded = decodeLater();

export const http2: readonly MicroCase[] = [
  { name: 'http2: first field block of a connection, decode', run: decodeFirst },
  { name: 'http2: later field block, decode', run: decodeLater },
  { name: 'http2: request, read from its fields', run: () => readRequest(decoded, 160) },
  {
    name: 'http2: first field block, encode',
    run: () => new HpackEncoder().encode(responseFields),
  },
  { name: 'http2: later field block, encode', run: () => encoder.encode(responseFields) },
];
