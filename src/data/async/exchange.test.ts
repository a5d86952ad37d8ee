import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { AsyncPlace } from '../../../test/support/async-place.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { cursorIn, ExchangeWorld, echoOf } from '../../../test/support/exchange-world.ts';
import type { AsyncBucket } from './async-bucket.ts';

const bytes = (value: string) => Buffer.from(value);
const limitMs = 60_000;

/** Several canaries of that region came back to the other one, which knows no age meanwhile. */
async function provesNothing(
  world: ExchangeWorld,
  bucket: AsyncBucket,
  region: string,
  by: string,
) {
  const echoes = new Set([await echoOf(region, by, world)]);
  await eventually(
    `echoes of ${region}`,
    async () => {
      const { staleForMs, entry } = await bucket.get('x');
      assert.deepEqual([staleForMs, entry], [Number.POSITIVE_INFINITY, undefined]);
      return echoes.add(await echoOf(region, by, world)).size > 4;
    },
    limitMs,
  );
}

describe('what a lost region wrote', () => {
  const all = ['ap', 'eu', 'us'];
  const left = ['ap', 'eu'];
  let world: ExchangeWorld;
  let eu: AsyncBucket;
  let us: AsyncBucket;

  const placeIn = async (region: string, cursor: string): Promise<number> => {
    const place = await cursorIn(world.log(region), cursor);
    return place?.anew ? 0 : (place?.sequence ?? 0);
  };
  const has = (bucket: AsyncBucket, key: string) =>
    eventually(`${key} to come`, async () => (await bucket.get(key)).entry, limitMs);

  // Its node is stopped when it has copied from both, so that it goes on where it was.
  beforeEach(async () => {
    world = new ExchangeWorld();
    eu = await world.open('eu', all);
    us = await world.open('us', all);
    const ap = await world.open('ap', all);
    for (const bucket of [eu, us]) {
      const region = bucket === eu ? 'eu' : 'us';
      await eventually(`a cursor of ${region}`, async () => {
        await bucket.put(region, bytes('1'));
        return (await placeIn('ap', `${region}.cursor`)) > 0;
      });
    }
    const { entry } = (await us.get('us'))!;
    for (const bucket of [ap, eu]) {
      await eventually(
        'the last',
        async () => (await bucket.get('us')).entry?.version === entry!.version,
      );
    }
    await world.stop('ap');
    // As if nothing had been asked of others at the first start.
    world.followed.length = 0;
    await world.log('ap').append({ subject: 'us/eu.cursor', head: 'cursor', value: bytes('') });
  });
  afterEach(() => world.close());

  it('comes from who has it, and says nothing of how old it is', async () => {
    await us.put('x', bytes('1'));
    await has(eu, 'x');
    await world.lose('us');
    const ap = await world.open('ap', all);
    await has(ap, 'x');
    assert.deepEqual((await ap.get('x')).entry, (await eu.get('x')).entry);
    assert.equal((await ap.get('x')).staleForMs, Number.POSITIVE_INFINITY);
    assert.equal(ap.status().lagMs.has('us'), false);
  });

  it('comes when the region was taken out of the bucket meanwhile', async () => {
    await us.put('x', bytes('1'));
    await has(eu, 'x');
    await world.lose('us');
    eu = await world.open('eu', left);
    const ap = await world.open('ap', left);
    await has(ap, 'x');
  });

  it('wins over an own write that had not seen it, which is counted once', async () => {
    const place = new AsyncPlace('ap');
    await place.bucket.put('x', bytes('of long ago'));
    const [own] = await place.written();
    await place.close();
    await world.log('ap').append(own!);
    await us.put('x', bytes('1'));
    await has(eu, 'x');
    await world.lose('us');
    let ap = await world.open('ap', all);
    await eventually('the own write to lose', () => ap.status().lost > 0, limitMs);
    assert.deepEqual((await ap.get('x')).entry, (await eu.get('x')).entry);
    await world.log('ap').append({ subject: 'us/eu.cursor', head: 'cursor', value: bytes('') });
    const before = world.secondHand('ap').length;
    ap = await world.open('ap', all);
    await eventually('it to be looked for again', () => world.secondHand('ap').length > before);
    await eventually('the end of it', async () => (await placeIn('ap', 'us/eu.cursor')) > 0);
    assert.equal(ap.status().lost, 1);
    assert.equal(eu.status().lost, 0);
  });

  it('is looked for by its heads, and sent from the first that is lacking, once', async () => {
    for (const key of ['a', 'b']) await us.put(key, bytes(key));
    await has(eu, 'b');
    await world.lose('us');
    let ap = await world.open('ap', all);
    await Promise.all([has(ap, 'a'), has(ap, 'b')]);
    const asked = () => world.secondHand('ap').map(({ headsOnly, after }) => [headsOnly, after]);
    const [first, last] = await Promise.all(
      ['us.k.a', 'us.k.b'].map(async (entry) => (await world.log('eu').last(entry))!.sequence),
    );
    assert.deepEqual(asked(), [
      [true, 0],
      [false, first! - 1],
    ]);
    await eventually('its place', async () => (await placeIn('ap', 'us/eu.cursor')) === last);
    ap = await world.open('ap', all);
    await eventually('it to go on', () => asked().length > 2, limitMs);
    assert.deepEqual(asked().slice(2), [[true, last]]);
  });

  it('is looked for from the start when either log was made anew', async () => {
    await world.lose('us');
    await world.open('ap', all);
    const asked = () => world.secondHand('ap').map(({ after }) => after);
    await eventually('others to be asked', () => asked().length > 0, limitMs);
    await eventually('a place', async () => (await placeIn('ap', 'us/eu.cursor')) > 0);
    for (const region of ['ap', 'eu']) {
      const before = asked().length;
      world.epochs.set(region, 'anew');
      await eventually('it to begin anew', () => asked().length > before, limitMs);
      assert.deepEqual(asked().slice(before), [0], region);
      await eventually('its place', async () => (await placeIn('ap', 'us/eu.cursor')) > 0);
    }
  });

  it('is not asked of others while the region is heard, nor when it is again', async () => {
    const ap = await world.open('ap', all);
    await us.put('x', bytes('1'));
    await has(ap, 'x');
    await world.lose('us');
    await eventually('others to be asked', () => world.secondHand('ap').length > 0, limitMs);
    world.find('us');
    us = await world.open('us', all);
    await eventually('it to end', () => world.secondHand('ap').every(({ over }) => over), limitMs);
    await us.put('y', bytes('1'));
    await has(ap, 'y');
  });
});

describe('a region that came to a bucket and went', () => {
  let world: ExchangeWorld;
  beforeEach(() => {
    world = new ExchangeWorld();
  });
  afterEach(() => world.close());

  const comes = (bucket: AsyncBucket, key: string, value: string) =>
    eventually(
      `${key} to be ${value}`,
      async () => Buffer.from((await bucket.get(key)).entry?.value ?? []).toString() === value,
      limitMs,
    );
  /** Ends with a cursor there, so that what is followed later is not all. */
  const copies = async (bucket: AsyncBucket, to: string, from: string, key: string) => {
    await eventually(`a cursor of ${from} in ${to}`, async () => {
      await bucket.put(key, bytes('1'));
      return ((await cursorIn(world.log(to), `${from}.cursor`))?.sequence ?? 0) > 0;
    });
  };

  it('while another was away: that one has what it wrote from who knew it', async () => {
    let eu = await world.open('eu', ['ap', 'eu']);
    let ap = await world.open('ap', ['ap', 'eu']);
    await copies(ap, 'eu', 'ap', 'k');
    await world.stop('eu');
    ap = await world.open('ap', ['ap', 'us']);
    const us = await world.open('us', ['ap', 'us']);
    await comes(us, 'k', '1');
    await us.put('k', bytes('newer'));
    await us.put('x', bytes('of us'));
    await comes(ap, 'x', 'of us');
    await world.lose('us');
    await world.open('ap', ['ap', 'eu']);
    eu = await world.open('eu', ['ap', 'eu']);
    await comes(eu, 'x', 'of us');
    await comes(eu, 'k', 'newer');
    assert.ok(await world.log('eu').last('us.cursor'), 'who asks eu later knows us too');
  });

  it('proves nothing until what it wrote is here, though all others are heard', async () => {
    const all = ['ap', 'eu', 'us'];
    await world.open('eu', all);
    const us = await world.open('us', all);
    const ap = await world.open('ap', all);
    await copies(ap, 'eu', 'ap', 'k');
    await copies(us, 'eu', 'us', 'k2');
    await world.stop('eu');
    await us.put('x', bytes('1'));
    await comes(ap, 'x', '1');
    await world.lose('us');
    const { promise, resolve } = Promise.withResolvers<void>();
    world.secondHandMay = promise;
    await world.open('ap', ['ap', 'eu']);
    const eu = await world.open('eu', ['ap', 'eu']);
    try {
      await provesNothing(world, eu, 'eu', 'ap');
    } finally {
      resolve();
    }
    await eventually('a proof', async () => (await eu.get('x')).staleForMs < limitMs, limitMs);
    assert.ok((await eu.get('x')).entry);
  });
});

describe('a region whose log was made anew', () => {
  const all = ['ap', 'eu', 'us'];
  let world: ExchangeWorld;
  let eu: AsyncBucket;

  const isYoung = (bucket: AsyncBucket) =>
    eventually('an age', async () => Number.isFinite((await bucket.get('x')).staleForMs), limitMs);
  const comes = (bucket: AsyncBucket, key: string) =>
    eventually(`${key} to come`, async () => (await bucket.get(key)).entry, limitMs);

  // Each has a place in the log of each other one.
  beforeEach(async () => {
    world = new ExchangeWorld();
    const buckets: AsyncBucket[] = [];
    for (const region of all) buckets.push(await world.open(region, all));
    eu = buckets[1]!;
    for (const bucket of buckets) await isYoung(bucket);
    for (const [to, from] of all.flatMap((to) => all.map((from) => [to, from] as const))) {
      if (to === from) continue;
      await eventually(
        `a cursor of ${from} in ${to}`,
        async () => (await cursorIn(world.log(to), `${from}.cursor`))?.anew === undefined,
        limitMs,
      );
    }
  });
  afterEach(() => world.close());

  it('proves nothing to who lacks what another one has of it, which comes to itself too', async () => {
    const us = await world.open('us', all);
    await world.stop('eu');
    await us.put('x', bytes('1'));
    await comes(await world.open('ap', all), 'x');
    await world.lose('us');
    world.findAnew('us');
    world.cut('ap', 'us');
    const { promise, resolve } = Promise.withResolvers<void>();
    world.secondHandMay = promise;
    let again: AsyncBucket;
    try {
      again = await world.open('us', all);
      eu = await world.open('eu', all);
      await provesNothing(world, eu, 'eu', 'us');
      const { epoch } = world.log('us').state();
      await eventually('a place in that log', async () => {
        await again.put('y', bytes('1'));
        return (await cursorIn(world.log('eu'), 'us.cursor'))?.epoch === epoch;
      });
      eu = await world.open('eu', all);
      await provesNothing(world, eu, 'eu', 'us');
    } finally {
      resolve();
    }
    await isYoung(eu);
    assert.ok((await eu.get('x')).entry);
    await eventually('it to end', () => world.secondHand('eu').every(({ over }) => over), limitMs);
    await comes(again, 'x');
  });

  it('waits for no other one whose log was made anew as well', async () => {
    await eu.put('x', bytes('1'));
    for (const region of ['ap', 'us']) await world.lose(region);
    for (const region of ['ap', 'us']) world.findAnew(region);
    for (const region of ['ap', 'us']) {
      const bucket = await world.open(region, all);
      await comes(bucket, 'x');
    }
    for (const region of all) await isYoung(await world.open(region, all));
  });
});

it('what ended so long ago that logs drop it is not taken from others any more', async (t) => {
  const ttlMs = 60_000;
  const [us, eu] = [new AsyncPlace('us', ttlMs), new AsyncPlace('eu', ttlMs)];
  t.after(() => Promise.all([us.close(), eu.close()]));
  await us.bucket.put('x', bytes('1'));
  const [message] = await us.written();
  eu.clock.advance(ttlMs + 7_200_000 - 1);
  assert.equal(await eu.copier.lacks(message!), true);
  eu.clock.advance(1);
  assert.equal(await eu.copier.lacks(message!), false);
});
