import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hubOf, parseHubAnswer } from './hub-report.ts';

const peer = (name: string, current = true, lag?: number) => ({
  name,
  current,
  active: 1,
  peer: 'x',
  ...(lag !== undefined && { lag }),
});

function answer(
  server: string,
  told: {
    readonly leader?: string;
    readonly peers?: object[];
    readonly stream?: object;
    readonly disabled?: boolean;
    readonly alone?: boolean;
  },
): string {
  const { leader = 'hub-eu', peers, stream, disabled, alone } = told;
  const detail = { name: 'KV_config', config: { num_replicas: 3, storage: 'file' } };
  return JSON.stringify({
    server: { name: server, ver: '2.14.0' },
    data: {
      ...(disabled && { disabled }),
      ...(!alone && { meta_cluster: { leader, ...(peers && { replicas: peers }) } }),
      account_details: [
        { name: 'MERIDIAN', stream_detail: [{ ...detail, ...(stream && { cluster: stream }) }] },
        { name: 'OTHER', stream_detail: [{ ...detail, name: 'KV_other' }] },
      ],
    },
  });
}

const eu = answer('hub-eu', {
  peers: [peer('hub-us'), peer('hub-ap')],
  stream: { leader: 'hub-us', replicas: [peer('hub-us'), peer('hub-ap')] },
});
const us = answer('hub-us', {
  stream: { leader: 'hub-us', replicas: [peer('hub-eu'), peer('hub-ap', false, 4)] },
});

test('a stream is as its own leader tells it; who does not answer is down', () => {
  const hub = hubOf([eu, us].map(parseHubAnswer), 'MERIDIAN');
  assert.equal(hub.leader, 'hub-eu');
  assert.deepEqual(hub.members, [
    { server: 'hub-ap', online: false, current: true },
    { server: 'hub-eu', online: true, current: true },
    { server: 'hub-us', online: true, current: true },
  ]);
  assert.deepEqual(hub.streams, [
    {
      name: 'KV_config',
      replicas: 3,
      leader: 'hub-us',
      copies: [
        { server: 'hub-ap', online: false, current: false, lag: 4 },
        { server: 'hub-eu', online: true, current: true, lag: 0 },
        { server: 'hub-us', online: true, current: true, lag: 0 },
      ],
    },
  ]);
});

test('others who name a leader that does not answer prove none', () => {
  const hub = hubOf([parseHubAnswer(us)], 'MERIDIAN');
  assert.equal(hub.leader, undefined);
  assert.deepEqual(hub.members, [{ server: 'hub-us', online: true, current: false }]);
  const [stream] = hubOf([parseHubAnswer(eu)], 'MERIDIAN').streams;
  assert.equal(stream?.leader, undefined);
});

test('a server that was taken out, and one that runs alone', () => {
  const out = parseHubAnswer(answer('hub-ap', { disabled: true, alone: true }));
  const hub = hubOf([parseHubAnswer(eu), parseHubAnswer(us), out], 'MERIDIAN');
  assert.equal(hub.members.find(({ server }) => server === 'hub-ap')?.online, false);
  const alone = hubOf([parseHubAnswer(answer('hub-eu', { alone: true }))], 'MERIDIAN');
  assert.equal(alone.clustered, false);
});

test('what is no answer is refused', () => {
  for (const text of [
    '',
    '[]',
    '{}',
    '{"server":{"name":5},"data":{}}',
    '{"server":{"name":"a"}}',
  ]) {
    assert.throws(() => parseHubAnswer(text), text);
  }
});
