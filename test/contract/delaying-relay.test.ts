import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { it } from 'node:test';
import { DelayingRelay } from '../support/delaying-relay.ts';

it('a delaying relay hands everything on, in order and no sooner than its delay, both ways', async () => {
  const echo = createServer((socket) => socket.pipe(socket));
  await once(echo.listen(0, '127.0.0.1'), 'listening');
  const { port } = echo.address() as AddressInfo;
  const relay = await DelayingRelay.start('127.0.0.1', { host: '127.0.0.1', port }, 60);
  const socket = connect(relay.port, '127.0.0.1').setNoDelay(true);
  try {
    const sent = Array.from({ length: 200 }, (_, i) => `${i},`);
    const startedMs = performance.now();
    let firstMs = 0;
    let received = '';
    const complete = new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        firstMs ||= performance.now() - startedMs;
        received += chunk;
        if (received.length === sent.join('').length) resolve();
      });
    });
    for (const [i, chunk] of sent.entries()) {
      if (i === 100) await once(socket, 'data');
      if (i === 150) relay.delayMs = 1; // what follows must not overtake
      socket.write(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await complete;
    assert.equal(received, sent.join(''));
    assert.ok(firstMs >= 118, `back after ${firstMs} ms`);
  } finally {
    socket.destroy();
    await relay.close();
    echo.close();
  }
});
