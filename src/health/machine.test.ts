import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from './hysteresis.ts';
import { calm, Harness, planOf, rates } from './testdata/machine-harness.ts';

test('on the first boot everything is unknown', () => {
  const { machine } = new Harness();
  assert.deepEqual(
    machine.states().map(({ subject, state }) => `${subject.key} ${state}`),
    [
      'gateway/a unknown',
      'service/rates/a unknown',
      'gateway/b unknown',
      'service/rates/b unknown',
      'gateway/c unknown',
    ],
  );
  assert.equal(machine.vector().verdicts.size, 0);
});

test('a gateway is lost when both vantages outside say so, not before', () => {
  const h = new Harness().probe('10.0.0.2', '+++').hear('c', { 'gateway/b': 'up' });
  assert.deepEqual(h.news(), ['gateway/b healthy']);
  h.probe('10.0.0.2', '--');
  assert.equal(h.machine.vector().verdicts.get('gateway/b'), 'down');
  assert.deepEqual(h.news(), []);
  h.hear('c', { 'gateway/b': 'down' });
  assert.deepEqual(h.news(), ['gateway/b unhealthy']);
  assert.equal(
    h.reason('gateway/b'),
    '2 of 2 vantages heard say down: a, c (10.0.0.2:8080: connection refused)',
  );
  h.probe('10.0.0.2', '+');
  assert.match(
    h.reason('gateway/b') ?? '',
    /\(10\.0\.0\.2:8080: status 200, not yet often enough\)$/,
  );
});

test('what was never found up may still be starting: failures count after the grace', () => {
  const h = new Harness('a b', 'a', rates, 2_000);
  const eachSecond = (results: string) => {
    for (const result of results) h.probe('10.0.0.2', result).ticks(10);
    return h.news();
  };
  assert.deepEqual(eachSecond('---'), []); // two of them within the grace
  assert.deepEqual(eachSecond('-'), ['gateway/b unhealthy']);
  const found = new Harness('a b', 'a', rates, 2_000).probe('10.0.0.2', '-+++--');
  assert.deepEqual(found.news(), ['gateway/b healthy', 'gateway/b unhealthy']);
});

test('a vantage is fresh for three intervals and not longer', () => {
  const h = new Harness().hear('c', { 'gateway/b': 'up' }).probe('10.0.0.2', '--');
  assert.deepEqual(h.ticks(30).news(), []); // 3 s: c is still heard, a tie
  assert.deepEqual(h.ticks(1).news(), ['gateway/b unhealthy']); // alone now
});

test('a region decides about its services, and its last word is held when it falls silent', () => {
  const h = new Harness().hear('b', { 'service/rates/b': 'down' });
  assert.deepEqual(h.news(), ['service/rates/b unhealthy']);
  assert.deepEqual(h.ticks(100).news(), []);
  assert.equal(h.reason('service/rates/b'), 'no word from b; last state held');
  h.hear('c', { 'service/rates/b': 'up', 'service/rates/a': 'up' });
  assert.deepEqual(h.news(), []); // not theirs to say
  h.hear('b', { 'service/rates/b': 'up' });
  assert.deepEqual(h.news(), ['service/rates/b healthy']);
});

test('the services of a lost region are unknown, until it speaks or its gateway is back', () => {
  const lose = (h: Harness) => {
    h.probe('10.0.0.2', '--').hear('c', { 'gateway/b': 'down' });
    assert.deepEqual(h.news(), ['gateway/b unhealthy']);
  };
  const up = { 'service/rates/b': 'up' } as const;
  const heard = () => {
    const h = calm();
    lose(h);
    assert.deepEqual(h.ticks(49).news(), []); // freshness of 3 s and 2 s more
    assert.deepEqual(h.ticks(2).news(), ['service/rates/b unknown']);
    assert.equal(h.reason('service/rates/b'), 'b not heard for 5s; said healthy before');
    h.ticks(150);
    assert.equal(h.reason('service/rates/b'), 'b not heard for 20s; said healthy before');
    assert.deepEqual(h.news(), []);
    const status = h.machine.states().find(({ subject }) => subject.key === 'service/rates/b');
    assert.equal(status?.flaps, 0);
    return h;
  };
  // A restarted b speaks before it has probed: nothing is known of its service still.
  assert.deepEqual(heard().hear('b', {}).news(), []);
  assert.deepEqual(heard().hear('b', {}).hear('b', up).news(), ['service/rates/b healthy']);
  // Only the link of b is lost after all.
  const back = heard().probe('10.0.0.2', '+++').hear('c', { 'gateway/b': 'up' });
  assert.deepEqual(back.news(), ['gateway/b healthy', 'service/rates/b healthy']);
  // The other way round: first silent, then its gateway lost.
  const silent = calm().ticks(60).probe('10.0.0.2', '+').hear('c', { 'gateway/b': 'up' });
  assert.deepEqual(silent.news(), []);
  silent.probe('10.0.0.2', '--').hear('c', { 'gateway/b': 'down' });
  assert.deepEqual(silent.news(), ['gateway/b unhealthy', 'service/rates/b unknown']);
});

test('the own service follows own probes and travels in the vector', () => {
  const h = new Harness().probe('10.1.0.1', '+++');
  assert.deepEqual(h.news(), ['service/rates/a healthy']);
  const version = h.machine.vectorVersion;
  h.probe('10.1.0.1', '-+-');
  assert.deepEqual(h.news(), ['service/rates/a unhealthy']);
  assert.ok(h.machine.vectorVersion > version);
  assert.equal(h.machine.vector().verdicts.get('service/rates/a'), 'down');
  assert.equal(h.reason('service/rates/a'), 'a says down (10.1.0.1:80: connection refused)');
});

test('what everywhere probes is decided by quorum', () => {
  const h = new Harness('a b c', 'a', { rates: { ...rates.rates, probeFrom: 'everywhere' } });
  h.probe('10.2.0.1', '--');
  assert.deepEqual(h.news(), ['service/rates/b unhealthy']); // alone so far
  h.hear('c', { 'service/rates/b': 'up' }).probe('10.2.0.1', '+++');
  assert.deepEqual(h.news(), ['service/rates/b healthy']);
  h.hear('b', { 'service/rates/b': 'down' });
  assert.deepEqual(h.news(), []); // what is inside says nothing about it
});

test('only the newest vector of a node counts; a restarted node may count anew', () => {
  const h = new Harness();
  const say = (verdict: Verdict, incarnation: number, sequence: number) =>
    h.hear('b', { 'service/rates/b': verdict }, { incarnation, sequence }).news();
  assert.deepEqual(say('up', 7, 100), ['service/rates/b healthy']);
  assert.deepEqual(say('down', 7, 99), []);
  assert.deepEqual(say('down', 7, 100), []);
  assert.deepEqual(say('down', 8, 1), ['service/rates/b unhealthy']);
  assert.deepEqual(say('up', 7, 101), []);
  // Its clock was set back and its disk is lost: believed after ten times freshness.
  assert.deepEqual(h.ticks(300) && say('up', 3, 1), []);
  assert.deepEqual(h.ticks(1) && say('up', 3, 2), ['service/rates/b healthy']);
});

test('nobody speaks for a region but its own nodes', () => {
  const h = new Harness();
  const foreign = { code: 'foreign_vector' };
  assert.throws(() => h.hear('b', { 'service/rates/b': 'down' }, {}, 'c'), foreign);
  assert.throws(() => h.hear('a', { 'gateway/b': 'down' }, {}, 'b'), foreign);
  assert.throws(() => h.hear('b', { 'gateway/c': 'down' }, { scope: 'node' }), foreign);
  assert.throws(() => h.hear('a', { 'gateway/b': 'down' }, { scope: 'node' }, 'b'), foreign);
  assert.throws(() => h.hear('a', { 'gateway/b': 'down' }, {}, 'a'), foreign);
  h.hear('x', { 'gateway/b': 'down', 'service/none/b': 'down' }); // not configured
  h.hear('c', { 'gateway/z': 'down', 'service/none/b': 'down' });
  assert.deepEqual(h.news(), []);
});

test('nodes of a region tell each other, and most of them decide', () => {
  const h = new Harness().probe('10.1.0.1', '+++');
  h.news();
  const sibling = (node: string, verdict: Verdict) =>
    h.hear('a', { 'service/rates/a': verdict }, { scope: 'node', node }).news();
  assert.deepEqual(sibling('n2', 'down'), []); // a tie changes nothing
  assert.deepEqual(sibling('n3', 'down'), ['service/rates/a unhealthy']);
  assert.equal(h.machine.vector('region').verdicts.get('service/rates/a'), 'down');
  assert.equal(h.machine.vector('node').verdicts.get('service/rates/a'), 'up');
  assert.deepEqual(sibling('n1', 'up'), []); // a message that claims to be from this node
  assert.deepEqual(h.probe('10.1.0.1', '+').ticks(31).news(), ['service/rates/a healthy']); // both stale
});

test('a sibling passes on what another region said', () => {
  const h = new Harness().hear('b', { 'service/rates/b': 'down' }, {}, 'a');
  assert.deepEqual(h.news(), ['service/rates/b unhealthy']);
});

test('a region drains when all its fresh nodes do', () => {
  const h = new Harness();
  h.hear('b', {}, { node: 'n1', draining: true }).hear('b', {}, { node: 'n2', draining: false });
  assert.deepEqual(h.news(), ['b draining true', 'b draining false']);
  h.hear('b', {}, { node: 'n2', draining: true });
  assert.deepEqual(h.news(), ['b draining true']);
  assert.deepEqual(h.ticks(60).news(), []); // as before while none is heard
  h.note(h.machine.setDraining(true, h.nowMs));
  assert.deepEqual(h.news(), ['a draining true']);
  assert.equal(h.machine.vector().draining, true);
});

test('a new configuration keeps what stays; a target that changed starts from nothing', () => {
  const h = calm();
  const moved = { rates: { endpoints: { a: ['10.1.0.9:80'], b: ['10.2.0.1:80'] } } };
  h.note(h.machine.reconfigure(planOf('a b c', 'a', moved), h.nowMs));
  assert.equal(h.state('service/rates/a'), 'healthy'); // held
  const { verdicts } = h.machine.vector();
  assert.equal(verdicts.get('gateway/b'), 'up');
  assert.equal(verdicts.get('service/rates/a'), undefined);
  assert.equal(h.state('gateway/c'), 'healthy');
  assert.deepEqual(h.news(), []);
  h.probe('10.1.0.9', '--');
  assert.deepEqual(h.news(), ['service/rates/a unhealthy']);
  h.note(h.machine.reconfigure(planOf('a b', 'a', {}), h.nowMs));
  assert.deepEqual(
    h.machine.states().map(({ subject }) => subject.key),
    ['gateway/a', 'gateway/b'],
  );
});

test('flaps and the time of the last change are counted', () => {
  const h = new Harness('a b', 'a', {}).ticks(3).probe('10.0.0.2', '+++');
  h.ticks(2).probe('10.0.0.2', '--').ticks(2).probe('10.0.0.2', '+++');
  const status = h.machine.states().find(({ subject }) => subject.key === 'gateway/b');
  assert.equal(status?.flaps, 2);
  assert.equal(status?.sinceMs, 700);
});

test('changes of a service are counted in each region, its first state is none', () => {
  const h = new Harness('a b');
  for (const verdict of ['up', 'down', 'up', 'down'] as const) {
    h.hear('b', { 'service/rates/b': verdict }).ticks(1);
  }
  const flaps = new Map(
    h.machine.states().map(({ subject, flaps: times }) => [subject.key, times]),
  );
  assert.deepEqual([flaps.get('service/rates/b'), flaps.get('service/rates/a')], [3, 0]);
});

test('a disabled check counts as healthy, at every node, and nothing is probed for it', () => {
  const { rates: service } = rates;
  const off = { rates: { ...service, check: { type: 'tcp', disabled: true } } };
  for (const own of ['a', 'c']) {
    const h = new Harness('a b c', own, off).ticks(1);
    assert.deepEqual(h.news(), []);
    assert.equal(h.state('service/rates/a'), 'healthy');
    assert.equal(h.reason('service/rates/b'), 'its check is disabled');
    assert.throws(() => h.target('10.1.0.1'), /nothing probes/);
    assert.deepEqual([...h.machine.vector().verdicts.keys()], []);
  }
});

test('a gateway is up while a share of the vantages says so, where it is set', () => {
  const health = { quorum: { up: 0.18 } };
  const h = new Harness(planOf('a b c d e', 'a', {}, {}, health)).ticks(1);
  h.probe('10.0.0.2', '--'); // b, at one of its four vantages
  h.hear('c', { 'gateway/b': 'down' }).hear('d', { 'gateway/b': 'down' });
  assert.equal(h.state('gateway/b'), 'unhealthy');
  h.hear('e', { 'gateway/b': 'up' });
  assert.equal(h.state('gateway/b'), 'healthy');
  assert.equal(
    h.reason('gateway/b'),
    '1 of 4 vantages heard say up: e (10.0.0.2:8080: connection refused)',
  );
  h.hear('e', { 'gateway/b': 'down' });
  assert.equal(h.state('gateway/b'), 'unhealthy');
});

test('the reason names a probe that failed just now, before it changes anything', () => {
  const h = new Harness().ticks(1);
  h.probe('10.0.0.2', '+++').hear('c', { 'gateway/b': 'up' });
  h.probe('10.0.0.2', '-');
  assert.equal(h.state('gateway/b'), 'healthy');
  assert.match(
    h.reason('gateway/b') ?? '',
    /say up: a, c \(10\.0\.0\.2:8080: connection refused\)$/,
  );
  h.probe('10.0.0.2', '+');
  assert.match(h.reason('gateway/b') ?? '', /say up: a, c$/);
});
