/** The request of `sample-messages.ts` as node:http2 encodes it, first on a connection … */
export const firstRequestBlock = Buffer.from(
  '828741901d665cbe4938ea98aba4a84dc780f03f049763b858b0692a18c1c36adc375fff0698040134b01b5801' +
    '7ab5d07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bed4b3bdc089e5c1fda988a4ea760400800100' +
    '54c26b0b29fcb0113cb83f53a21d75d0620d263d4c7441eafa5125f2962ba066abefb4005dffa53e58f9fbed' +
    '00177b518b2d4b62bbf45abefb4005db508d9bd9abfa5242cb40d25fa523b31f08b7ba51d85b142facb3c788' +
    '86d46cb8787bc81d26c88c94a6bfdbd91cc9d301a5d8b97d65f7272c86d46cb3e4a80b9054551d384127e65a' +
    '3f609a4150831ea81a940410c257e3764688db7f6a2672d258241d9d7f73989d29ad17186075d6b97c9271d5' +
    '3157495096291d9d4a947f5886a8eb10649cbf',
  'hex',
);

/** … and again, with another query. */
export const laterRequestBlock = Buffer.from(
  '8287c5049763b858b0692a18c1c36adc375fff0698040134b01b5802c4c3c2c11f08b7ba51d85b142facb3c788' +
    '86d46cb8787bc81d26c88c94a6bfdbd91cc9d301a5d8b97d65f7272c86d46cb3e4a80b9054551d384127e65a' +
    '3fc0bfbe',
  'hex',
);

/** The response of `sample-messages.ts`, with what a gateway adds. */
export const responseFields: readonly string[] = [
  ...[':status', '200', 'date', 'Wed, 01 May 2024 10:00:00 GMT', 'server', 'origin'],
  ...['content-type', 'application/json; charset=utf-8', 'cache-control', 'max-age=1'],
  ...['etag', '"33a64df551425fcc55e4d42a148795d9f25f89d4"', 'content-length', '130'],
  ...['meridian-region', 'eu-west-1', 'x-request-id', '0af7651916cd43dd8448eb211c80319c'],
];
