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
  /** Is served all the time. */
  let good: SteadyClient;

  before(async () => {
    origin = new Worker(new URL('./hostile/origin.ts', import.meta.url));
    const [port] = (await once(origin, 'message')) as [number];
    node = await startNode({
      regions: { here: { address: '{address}', location: { latitude: 0, longitude: 0 } } },
      threads: { gateway: 1 },
      accessLog: false,
      // A thread that is as busy as this machine would refuse some of the good ones too.
      shedding: 'off',
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
    good = new SteadyClient({ host: node.address, port: 8080, path: '/', perSecond: 200 });
    await until('the good client is served', () => good.answered > 300);
  });
  after(async () => {
    good?.stop();
    await node?.stop();
    await origin?.terminate();
  });

  const residentBytes = () => {
    const status = readFileSync(`/proc/${node.process.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1024;
  };

  /** How often that limit has ended something. */
  const ended = async (limit: string) => {
    const headers = { connection: 'close' };
    const text = await (await fetch(`http://${node.address}:9000/metrics`, { headers })).text();
    const line = new RegExp(
      `^meridian_gateway_ended_connections_total\\{cause="${limit}"\\} (\\d+)`,
      'm',
    );
    return Number(line.exec(text)?.[1] ?? 0);
  };

  /** One attack, from beginning to end. Gives the memory when it was under way. */
  async function endure(attack: AttackName): Promise<number> {
    const workerData: AttackData = { attack, host: node.address };
    const attacker = new Worker(new URL('./hostile/attacks.ts', import.meta.url), { workerData });
    const over = new Promise((resolve, reject) => {
      attacker.on('message', (word) => word === 'over' && resolve(word));
      attacker.on('error', reject);
    });
    const underWay = once(attacker, 'message').then(residentBytes);
    const [bytes] = await Promise.all([underWay, over]);
    await attacker.terminate();
    return bytes;
  }

  /**
   * Others are served as if nothing was, and memory stays bounded, while the attack goes on. What
   * the limit has ended is counted, where one ends it.
   *
   * A heap grows once to the size that such a load needs, with what lies about between two rounds of
   * the collector: how far, is a matter of the machine. What is kept grows each time, beyond all
   * that was before.
   */
  function underAttack(name: string, attack: AttackName, limit = ''): void {
    test(name, { timeout: 120_000 }, async (context) => {
      const before = { answered: good.answered, failures: good.failures.length };
      const endedBefore = await ended(limit);
      let highest = residentBytes();
      const growths: number[] = [];
      do {
        const underWay = await endure(attack);
        growths.push(underWay - highest);
        highest = Math.max(highest, underWay);
      } while (growths.at(-1)! >= memoryLimit && growths.length < 4);
      const p99 = good.p99Ms(before.answered);
      const seen = good.answered;
      await until('the good client goes on', () => good.answered > seen + 100);
      const failures = good.failures.slice(before.failures);
      const megabytes = growths.map((bytes) => (bytes / 1e6).toFixed(0)).join(' + ');
      context.diagnostic(`p99 ${p99.toFixed(1)} ms, memory + ${megabytes} MB`);
      assert.deepEqual([...new Set(failures)], [], `${failures.length} failures`);
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
