import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeStatus } from '../admin/node-view.ts';
import type { NodeAnswer, Survey } from '../stack/survey.ts';
import { renderSurvey } from './status.ts';

const history = { since: undefined, flaps: 0 };
const statusOf = (region: string): NodeStatus => ({
  region,
  node: region,
  version: '0',
  reportedAt: '',
  ready: true,
  revision: {
    hash: 'f'.repeat(64),
    sequence: 1,
    loadedAt: '',
    ageSeconds: 5,
    source: 'file',
    staleForSeconds: undefined,
    appliedInSeconds: undefined,
    refused: undefined,
    pendingRestart: [],
  },
  degraded: [],
  store: {
    engine: 'memory',
    reachable: true,
    outOfReachForSeconds: 0,
    lastError: undefined,
    serverVersion: undefined,
    buckets: [],
  },
  regions: [],
  services: ['eu', 'us'].map((of) => ({
    name: 'rates',
    region: of,
    state: of === 'eu' ? 'unhealthy' : 'healthy',
    reason: `${of} says down`,
    ...history,
    endpoints: [],
  })),
  threads: [],
  traffic: { requests: 0, failed: 0, startedAt: '' },
});
const only = (region: string): NodeAnswer => {
  return { region, node: undefined, status: statusOf(region) };
};
const survey: Survey = {
  directory: '/state',
  supervisor: 7,
  frozen: false,
  leftovers: 0,
  source: { file: '/home/me/meridian.yaml', revision: 'a'.repeat(64) },
  processes: [],
  nodes: { eu: only('eu'), us: only('us') },
};

test('what a region says of its own service is not repeated by the others', () => {
  const notes = (text: string) => text.match(/rates of eu: eu says down/g)?.length;
  assert.equal(notes(renderSurvey(survey)), 1);
  const silent = { region: 'eu', node: undefined, error: 'no answer' };
  const alone = renderSurvey({ ...survey, nodes: { eu: silent, us: only('us') } });
  assert.match(alone, /^us +rates of eu: eu says down$/m);
});

test('checks by name are shown as each region sees them, and once why one is not healthy', () => {
  const check = { name: 'blue', probed: true, reason: '2 of 3 say down', ...history };
  const seeing = (region: string, state: 'healthy' | 'unhealthy'): NodeAnswer => {
    const status = { ...statusOf(region), services: [], checks: [{ ...check, state }] };
    return { region, node: undefined, status };
  };
  const nodes = { eu: seeing('eu', 'unhealthy'), us: seeing('us', 'unhealthy') };
  const text = renderSurvey({ ...survey, nodes });
  assert.match(text, /^CHECK +seen by eu +seen by us\nblue +unhealthy +unhealthy$/m);
  assert.match(text, /^eu, us +check blue: 2 of 3 say down$/m);
  const well = { eu: seeing('eu', 'healthy'), us: seeing('us', 'unhealthy') };
  const other = renderSurvey({ ...survey, nodes: well });
  assert.match(other, /^blue +healthy +unhealthy$/m);
  assert.match(other, /^us +check blue/m);
  assert.doesNotMatch(renderSurvey(survey), /CHECK/);
});

test('exclusive sets have a line each where there are some', () => {
  const ledger = {
    ...{ name: 'ledger', active: true, activeRegion: 'eu', reason: 'holds the lease', token: 7 },
    ...{ since: undefined, nodes: ['eu'], to: undefined, endsInSeconds: 3, changes: 0 },
  };
  const status = { ...statusOf('eu'), exclusive: [ledger] };
  const text = renderSurvey({
    ...survey,
    nodes: { eu: { region: 'eu', node: undefined, status } },
  });
  assert.match(text, /^ledger +eu +7 +- +holds the lease$/m);
  assert.doesNotMatch(renderSurvey(survey), /EXCLUSIVE/);
});

test('the revision as written stands beside the one that runs', () => {
  const text = renderSurvey(survey);
  assert.match(
    text,
    /^of \/home\/me\/meridian\.yaml, revision a{12}; REVISION below is that with/m,
  );
  assert.match(text, /f{12} from file/);
});

test('a file that nodes refused is not said to be what they run', () => {
  const refusing = (region: string): NodeAnswer => {
    const of = statusOf(region);
    const revision = { ...of.revision, fileRefused: 'cannot read nope.pem' };
    return { region, node: undefined, status: { ...of, revision } };
  };
  const silent: NodeAnswer = { region: 'ap', node: undefined, error: 'no answer' };
  const some = renderSurvey({ ...survey, nodes: { eu: only('eu'), us: refusing('us') } });
  assert.match(some, /, revision a{12}; us refused it \(see NOTE\): REVISION below is what runs/);
  const nodes = { eu: refusing('eu'), us: refusing('us'), ap: silent };
  assert.match(renderSurvey({ ...survey, nodes }), /, revision a{12}; every node refused it /);
});

test('a stack that nobody leads, or whose supervisor is frozen, comes with advice', () => {
  assert.match(
    renderSurvey({ ...survey, supervisor: undefined, leftovers: 3 }),
    /no supervisor runs\n.*\n.*3 processes of it are left; `meridian up` .*`meridian down`/,
  );
  assert.match(
    renderSurvey({ ...survey, frozen: true }),
    /supervisor pid 7, stopped\n.*\n.*`kill -CONT 7` .*`meridian down --force`/,
  );
});

test('several nodes have a line each below their region, and one column where they agree', () => {
  const seen = (b: 'healthy' | 'unhealthy', draining = false): NodeStatus['regions'] => [
    {
      name: 'eu',
      gateway: { state: 'healthy', reason: '', ...history },
      draining: false,
      addresses: [
        { address: '127.0.2.1', node: 'a', state: 'healthy', draining },
        { address: '127.0.2.2', node: 'b', state: b, draining: false },
      ],
      lastHeardSecondsAgo: undefined,
    },
  ];
  const node = (name: string, b: 'healthy' | 'unhealthy'): [string, NodeAnswer] => [
    `eu/${name}`,
    { region: 'eu', node: name, status: { ...statusOf('eu'), node: name, regions: seen(b) } },
  ];
  const process = (name: string, state: 'running' | 'stopped') => ({
    id: `eu/node/${name}`,
    kind: 'node' as const,
    region: 'eu',
    node: name,
    state,
    pid: undefined,
    lastExit: undefined,
    logPath: '',
  });
  const status = { ...statusOf('us'), regions: seen('unhealthy', true) };
  const us: NodeAnswer = { region: 'us', node: undefined, status };
  const nodes = { ...Object.fromEntries([node('a', 'healthy'), node('b', 'unhealthy')]), us };
  const processes = [process('a', 'running'), process('b', 'stopped')];
  const text = renderSurvey({ ...survey, nodes, processes });
  assert.match(
    text,
    /^eu +1 running, node\/b stopped\n {2}a +running +f{12} from file, 5 s +memory, reachable\n {2}b +stopped +f{12}/m,
  );
  assert.match(text, /^us +- +f{12}/m);
  assert.match(
    text,
    /^GATEWAY +seen by eu +seen by us\neu +healthy +healthy\n {2}a +healthy +healthy, draining\n {2}b +a: healthy; b: unhealthy +unhealthy$/m,
  );
  assert.match(text, /^eu\/a, eu\/b +rates of eu: eu says down$/m);
});

test('buckets of data have a row each, and how each region sees its copy', () => {
  const shared = { regions: ['eu', 'us'], problem: undefined, lost: 0, lagMs: {} };
  const bucket = { name: 'ledger', consistency: 'sync' as const, ...shared };
  const eu = {
    ...{ serving: true, port: 9100 },
    buckets: [
      { ...bucket, resident: true, writable: true },
      {
        ...bucket,
        name: 'history',
        consistency: 'async' as const,
        resident: true,
        writable: false,
      },
    ],
  };
  const us = {
    ...{ serving: true, port: 9100 },
    buckets: [
      { ...bucket, resident: false, writable: undefined },
      { ...eu.buckets[1]!, writable: true, lagMs: { eu: 12.3, ap: 40.2 }, lost: 2 },
    ],
  };
  const seen = (region: string, data: NodeStatus['data']): NodeAnswer => ({
    ...{ region, node: undefined },
    status: { ...statusOf(region), data },
  });
  const text = renderSurvey({ ...survey, nodes: { eu: seen('eu', eu), us: seen('us', us) } });
  assert.match(text, /^ledger +sync +writable +not here$/m);
  assert.match(text, /^history +async +not writable +writable, 40 ms behind, 2 lost$/m);
  const more = { ...us, buckets: [...us.buckets, { ...us.buckets[1]!, name: 'visits' }] };
  const edge = { edge: seen('edge', undefined), eu: seen('eu', eu), us: seen('us', more) };
  const wide = renderSurvey({ ...survey, nodes: edge });
  assert.match(wide, /^ledger +sync +- +writable +not here$/m);
  assert.match(wide, /^visits +async +- +- +writable, 40 ms behind, 2 lost$/m);
  assert.doesNotMatch(renderSurvey(survey), /BUCKET/);
});
