import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { Admission, givingWay, type Waiting } from './admission.ts';
import { OpenFiles } from './open-files.ts';

const now = 1_000;
const grace = 40;
const silent = (since: number): Waiting => ({ waitingSince: since, used: false });
const kept = (since: number): Waiting => ({ waitingSince: since, used: true });

test('silent ones give way first, then kept-alive ones, then newcomers; the longest first', () => {
  const places = [kept(900), silent(999), silent(100), kept(50), silent(200), silent(990), kept(0)];
  const order = givingWay(places, { now, grace, maximum: 32 * places.length });
  const expected = [100, 200, 50, 900, 990, 999];
  assert.deepEqual(
    order.map(({ waitingSince }) => waitingSince),
    expected,
  );
});

test('newcomers in a flood displace each other, not who is kept alive', () => {
  const maximum = 64;
  const flood = Array.from({ length: 60 }, (_, at) => silent(now - 20 + at / 10));
  const order = givingWay([kept(1), ...flood], { now, grace, maximum });
  assert.deepEqual(order, flood.slice(0, 2));
});

const anyPlace = fc.record({ waitingSince: fc.integer({ min: 0, max: now }), used: fc.boolean() });

test('who is at work never gives way; someone does whenever anyone waits, and few at a time', () => {
  fc.assert(
    fc.property(fc.array(anyPlace), fc.integer({ min: 1, max: 400 }), (places, maximum) => {
      const freed = givingWay(places, { now, grace, maximum });
      const waiting = places.filter(({ waitingSince }) => waitingSince !== 0);
      assert.equal(freed.length, Math.ceil(Math.min(waiting.length, maximum / 32)));
      assert.equal(new Set(freed).size, freed.length);
      assert.ok(freed.every((place) => waiting.includes(place)));
      const young = ({ waitingSince, used }: Waiting) => !used && now - waitingSince <= grace;
      const spared = waiting.filter(young).length <= Math.floor(maximum / 4);
      if (spared && freed.some(young)) {
        assert.ok(waiting.every((place) => young(place) || freed.includes(place)));
      }
    }),
  );
});

class FakeSocket extends EventEmitter {
  destroyed = false;
  destroy(): void {
    this.destroyed = true;
  }
}

type Step = 'admit' | 'dial' | 'hangUp' | 'work' | 'wait' | 'close' | 'tick';
const steps = fc.constantFrom<Step>('admit', 'dial', 'hangUp', 'work', 'wait', 'close', 'tick');

test('clients and upstreams never take more files than there are, and none is lost', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(steps, fc.nat()), { maxLength: 200 }),
      fc.integer({ min: 1, max: 12 }),
      (history, maximum) => {
        let at = 1;
        let upstreams = 0;
        const files = new OpenFiles(maximum, () => clients.makeRoom(at));
        const clients: Admission = new Admission({ maximum: 8, files, grace, onShed: () => {} });
        const open: { socket: FakeSocket; place: { work(): void; wait(now: number): void } }[] = [];
        for (const [step, pick] of history) {
          const one = open[pick % Math.max(1, open.length)];
          if (step === 'tick') at++;
          else if (step === 'admit') {
            const socket = new FakeSocket();
            const place = clients.admit(socket as unknown as Socket, at);
            assert.equal(place === undefined, socket.destroyed);
            if (place) open.push({ socket, place });
          } else if (step === 'dial' && files.hasRoom()) {
            upstreams++;
            files.take();
          } else if (step === 'hangUp' && upstreams > 0) {
            upstreams--;
            files.give();
          } else if (step === 'work') one?.place.work();
          else if (step === 'wait') one?.place.wait(at);
          else if (step === 'close') one?.socket.emit('close');
          if (step === 'close' && one) open.splice(open.indexOf(one), 1);
          for (const each of open.filter(({ socket }) => socket.destroyed)) {
            each.socket.emit('close');
            open.splice(open.indexOf(each), 1);
          }
          assert.equal(files.taken, open.length + upstreams);
          assert.ok(files.taken <= maximum && open.length <= 8);
        }
      },
    ),
  );
});
