import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { askStack, findRunningStack } from '../../src/stack/control/client.ts';
import type { ProcessStatus } from '../../src/stack/operations.ts';
import { fairTimer } from '../support/fair-time.ts';
import { NameServers } from '../support/name-servers.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { failed, type Round, RoundLoad } from '../support/round-load.ts';
import { type RegionName, regionNames, TestStack, until } from '../support/stack.ts';

const faults = ['kill', 'freeze'] as const;
type Fault = (typeof faults)[number];
/**
 * Each fault in a region of its own, the graceful stop in the third. REPEAT=10 gives the long
 * form: every fault in every region ten times in a row.
 */
const repeats = Number(process.env.REPEAT ?? 0);
const rounds: readonly (readonly [Fault, RegionName])[] =
  repeats === 0
    ? faults.map((fault, at) => [fault, regionNames[at + 1]!])
    : Array.from({ length: repeats }, () =>
        faults.flatMap((fault) => regionNames.map((region) => [fault, region] as const)),
      ).flat();
const limitMs = 5_000;
const observedMs = 6_500;
/** When a client has had enough. The load waits for longer: a busy machine is no lost region. */
const clientLimitMs = 1_000;
const patienceMs = 4_000;
const host = 'rates.exchange.test';
const path = '/v1/rates?base=EUR';
/** Each on a connection of its own: more of them are themselves a fault, on a slow machine. */
const perSecond = 80;

interface Outcome {
  readonly switchedMs: number;
  readonly lastFailureMs: number;
  readonly wrong: readonly Round[];
}

describe('a region is lost under load', { skip: requireNatsServer() }, () => {
  let stack: TestStack;
  before(async () => {
    stack = await TestStack.start();
  });
  after(() => stack.stop());

  for (const [at, [fault, region]] of rounds.entries()) {
    test(`${fault} ${region}, round ${at + 1} of ${rounds.length}`, async (context) => {
      const outcome = await lose(stack, region, fault);
      context.diagnostic(
        `${fault} ${region}: last name server switched after ${outcome.switchedMs.toFixed(0)} ms, ` +
          `last failed request after ${outcome.lastFailureMs.toFixed(0)} ms`,
      );
      await recover(stack, region);
      assert.ok(outcome.switchedMs < limitMs, `switched after ${outcome.switchedMs} ms`);
      const failedLimitMs = limitMs + clientLimitMs;
      assert.ok(outcome.lastFailureMs < failedLimitMs, `failed after ${outcome.lastFailureMs} ms`);
      assert.deepEqual(outcome.wrong, []);
    });
  }

  test('a graceful stop moves look-ups at once and fails no request', async (context) => {
    const region = 'us-east-1';
    const pid = await stack.nodePid(region);
    const nowMs = fairTimer();
    await using load = new RoundLoad(stack, { host, path, perSecond, nowMs });
    await until('load runs', () => load.rounds.filter((round) => !failed(round)).length > 50);
    load.ask(othersThan(region));
    const [askedMs, wallMs] = [nowMs(), performance.now()];
    process.kill(pid, 'SIGTERM');
    // As the stack sees it, so that it can be started again.
    const state = async () => {
      const operation = { operation: 'status' } as const;
      const processes = await askStack<ProcessStatus[]>(findRunningStack(stack.state), operation);
      return processes.find(({ id }) => id === `${region}/node`)?.state;
    };
    await until('the node ends', async () => (await state()) === 'stopped');
    const servedMs = performance.now() - wallMs;
    await load.stop();
    await recover(stack, region);
    const named = load.rounds.filter(({ answered }) => answered?.includes(region));
    const movedMs = named.at(-1)!.startedMs - askedMs;
    context.diagnostic(`look-ups moved after ${movedMs.toFixed(0)} ms`);
    assert.ok(movedMs < 2_000, `moved after ${movedMs} ms`);
    assert.ok(servedMs > 6_500, 'served for the TTL + 2 s');
    assert.deepEqual(load.rounds.filter(failed), []);
  });
});

function othersThan(region: RegionName): RegionName[] {
  return regionNames.filter((name) => name !== region);
}

async function lose(stack: TestStack, region: RegionName, fault: Fault): Promise<Outcome> {
  // What is promised is promised where processes get a processor.
  const nowMs = fairTimer();
  await using load = new RoundLoad(stack, { host, path, perSecond, patienceMs, nowMs });
  await until('load runs', () => load.rounds.filter((round) => !failed(round)).length > 50);
  const survivors = othersThan(region);
  const before = load.rounds.filter((round) => round.endedMs > round.startedMs);
  assert.deepEqual(before.filter(failed), [], 'no round fails before the fault');
  load.ask(survivors);
  const faultMs = nowMs();
  await askStack(findRunningStack(stack.state), { operation: 'region', action: fault, region });
  await until('time to observe', () => nowMs() - faultMs > observedMs);
  await load.stop();
  return outcomeOf(load.rounds, region, survivors, faultMs);
}

/** `faultMs`: just before the signals were sent. */
function outcomeOf(
  rounds: readonly Round[],
  region: RegionName,
  survivors: readonly RegionName[],
  faultMs: number,
): Outcome {
  const since = rounds.filter(({ endedMs }) => endedMs > faultMs);
  const asked = since.filter(({ server }) => survivors.includes(server));
  const naming = asked.filter(({ answered }) => answered?.includes(region));
  const failedMs = ({ startedMs, endedMs }: Round) => Math.min(endedMs, startedMs + clientLimitMs);
  const afterMs = (times: readonly number[]) => Math.max(0, ...times) - faultMs;
  const late = asked.filter(({ startedMs }) => startedMs > faultMs + limitMs);
  return {
    switchedMs: afterMs([faultMs, ...naming.map(({ startedMs }) => startedMs)]),
    lastFailureMs: afterMs([faultMs, ...asked.filter(failed).map(failedMs)]),
    wrong: [
      ...late.filter(({ answered }) => answered?.includes(region)),
      ...asked.filter(({ near, answered }) => near !== region && !answered?.includes(near)),
    ],
  };
}

/** Starts the region again: nobody answers with it before the quorum says healthy. */
async function recover(stack: TestStack, region: RegionName): Promise<void> {
  const servers = new NameServers(stack);
  const returned = async (server: RegionName) => {
    const answer = await servers.ask(server, host, region);
    if (!answer.includes(region)) return false;
    const { regions } = await stack.status(server);
    const { gateway } = regions.find(({ name }) => name === region)!;
    assert.equal(gateway.state, 'healthy', `${server} answered early: ${gateway.reason}`);
    return true;
  };
  try {
    await stack.run('region', 'start', region);
    const all = async () => (await Promise.all(othersThan(region).map(returned))).every(Boolean);
    await until(`all answer with ${region}`, all, 30_000);
  } finally {
    servers.close();
  }
}
