import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeStatus } from '../admin/node-view.ts';
import type { Survey } from '../stack/survey.ts';
import { renderSurvey } from './status.ts';

const history = { since: undefined, flaps: 0 };
const statusOf = (region: string): NodeStatus => ({
  region,
  node: region,
  version: '0',
  revision: { hash: 'f'.repeat(64), sequence: 1, loadedAt: '', ageSeconds: 5, source: 'file' },
  degraded: [],
  store: { engine: 'memory', reachable: true, outOfReachForSeconds: 0, lastError: undefined },
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
});
const survey: Survey = {
  directory: '/state',
  supervisor: 7,
  frozen: false,
  leftovers: 0,
  source: { file: '/home/me/meridian.yaml', revision: 'a'.repeat(64) },
  processes: [],
  nodes: { eu: { status: statusOf('eu') }, us: { status: statusOf('us') } },
};

test('what a region says of its own service is not repeated by the others', () => {
  const notes = (text: string) => text.match(/rates of eu: eu says down/g)?.length;
  assert.equal(notes(renderSurvey(survey)), 1);
  const { us } = survey.nodes;
  const alone = renderSurvey({ ...survey, nodes: { eu: { error: 'no answer' }, us: us! } });
  assert.match(alone, /^us +rates of eu: eu says down$/m);
});

test('the revision as written stands beside the one that runs', () => {
  const text = renderSurvey(survey);
  assert.match(
    text,
    /^of \/home\/me\/meridian\.yaml, revision a{12}; REVISION below is that with/m,
  );
  assert.match(text, /f{12} from file/);
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
