import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type RunningNode, startNode } from '../support/running-node.ts';
import { until } from '../support/stack.ts';
import { SteadyClient } from '../support/steady-client.ts';
import type { AttackData, AttackName } from './hostile/attacks.ts';
import { floods } from './hostile/floods.ts';

/** What a crowd may cost: a few kilobytes for each, not what it sends or asks for. */
const memoryLimit = 150 * 1024 * 1024;

describe('clients that mean harm', () => {
  let origin: Worker;
  let node: RunningNode;

  before(async () => {
    origin = new Worker(new URL('./hostile/origin.ts', import.meta.url));
    const [port] = (await once(origin, 'message')) as [number];
    node = await startNode({
      regions: { here: { address: '{address}', location: { latitude: 0, longitude: 0 } } },
      threads: { gateway: 1 },
      accessLog: false,
      limits: { headTimeout: '2s', bodyTimeout: '2s', writeTimeout: '2s', idleTimeout: '2s' },
      services: {
        s: {
          endpoints: { here: [`127.0.0.1:${port}`] },
          // An origin that is as busy as this machine is not down.
          timeouts: { connect: '10s' },
          check: { type: 'tcp', interval: '20s', connectTimeout: '10s', timeout: '10s' },
        },
      },
      routes: [{ name: 'all', service: 's' }],
    });
  });
  after(async () => {
    await node?.stop();
    await origin?.terminate();
  });

  const residentBytes = () => {
    const status = readFileSync(`/proc/${node.process.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1024;
  };

  /** How often that limit has ended something. */
  const ended = async (limit: string) => {
    const text = await (await fetch(`http://${node.address}:9000/metrics`)).text();
    const line = new RegExp(
      `^meridian_gateway_ended_connections_total\\{cause="${limit}"\\} (\\d+)`,
      'm',
    );
    return Number(line.exec(text)?.[1] ?? 0);
  };

  /** One attack, from beginning to end. By how many bytes memory had grown when it was under way. */
  async function endure(attack: AttackName): Promise<number> {
    const before = residentBytes();
    const workerData: AttackData = { attack, host: node.address };
    const attacker = new Worker(new URL('./hostile/attacks.ts', import.meta.url), { workerData });
    const over = new Promise((resolve) => {
      attacker.on('message', (word) => word === 'over' && resolve(word));
    });
    await once(attacker, 'message');
    const grown = residentBytes() - before;
    await over;
    await attacker.terminate();
    return grown;
  }

  /**
   * Others are served as if nothing was, and memory stays bounded, while the attack goes on. What
   * the limit has ended is counted, where one ends it.
   *
   * A heap grows once to the size that such a load needs, with what lies about between two rounds of
   * the collector: how far, is a matter of the machine. What is kept grows each time.
   */
  function underAttack(name: string, attack: AttackName, limit = ''): void {
    test(name, { timeout: 120_000 }, async (context) => {
      const good = new SteadyClient({ host: node.address, port: 8080, path: '/', perSecond: 200 });
      await until('the good client is served', () => good.answered > 300, 20_000);
      const before = { p99: good.p99Ms(100), answered: good.answered };
      const endedBefore = await ended(limit);
      const growths = [await endure(attack)];
      while (growths.at(-1)! >= memoryLimit && growths.length < 3)
        growths.push(await endure(attack));
      const p99 = good.p99Ms(before.answered);
      const seen = good.answered;
      await until('the good client goes on', () => good.answered > seen + 100);
      good.stop();
      const megabytes = growths.map((bytes) => (bytes / 1e6).toFixed(0)).join(' + ');
      context.diagnostic(
        `p99 ${before.p99.toFixed(1)} → ${p99.toFixed(1)} ms, memory + ${megabytes} MB`,
      );
      assert.deepEqual([...new Set(good.failures)], [], `${good.failures.length} failures`);
      assert.ok(growths.at(-1)! < memoryLimit, `grew by ${megabytes} MB`);
      if (limit !== '') {
        const more = (await ended(limit)) - endedBefore;
        assert.ok(more > 0, `${limit} has ended ${more}`);
      }
    });
  }

  underAttack('8,000 connections that send nothing', 'silence');
  underAttack('2,000 heads that drip', 'slowHeads');
  underAttack('400 bodies that drip', 'slowBodies');
  underAttack('50 readers of 16 MiB that do not read', 'slowReaders');
  underAttack('heads of a megabyte, again and again', 'fieldFlood');
  underAttack('requests that are pipelined without end', 'pipelining');
  underAttack('HTTP/2: 400 responses of which no octet is taken', 'closedWindows', 'drain');
  for (const [name, { limit }] of Object.entries(floods)) {
    underAttack(`HTTP/2: ${name}, from 20 connections`, name as keyof typeof floods, limit);
  }
});
