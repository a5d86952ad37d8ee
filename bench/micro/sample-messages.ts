/** As a browser sends it: 11 fields, 590 bytes. */
export const requestBytes = Buffer.from(
  [
    'GET /v1/rates/EUR-USD?at=2024-05-01 HTTP/1.1',
    'Host: api.exchange.test:8080',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    'Accept: application/json, text/plain;q=0.9, */*;q=0.8',
    'Accept-Language: en-GB,en;q=0.5',
    'Accept-Encoding: gzip, deflate, br',
    'Authorization: Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJhIn0.c2lnbmF0dXJl',
    'Cookie: session=4f0c2a1e9b7d4c55; theme=dark',
    'Referer: https://app.exchange.test/markets',
    'Cache-Control: no-cache',
    'Connection: keep-alive',
    '\r\n',
  ].join('\r\n'),
);

export const responseBytes = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'Date: Wed, 01 May 2024 10:00:00 GMT',
    'Server: origin',
    'Content-Type: application/json; charset=utf-8',
    'Cache-Control: max-age=1',
    'ETag: "33a64df551425fcc55e4d42a148795d9f25f89d4"',
    'Content-Length: 130',
    '\r\n',
  ].join('\r\n'),
);
