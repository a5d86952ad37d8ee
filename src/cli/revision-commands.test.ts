import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { CommandThread } from '../../test/support/command-thread.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { createAdminServer } from '../admin/server.ts';
import { revisionError } from '../revisions/errors.ts';
import { storeError } from '../store/errors.ts';
import { OperatedNode } from './testdata/operated-node.ts';

const folder = await temporaryDirectory('cli-revisions');
writeFileSync(join(folder, 'token'), 'the-token\n');
process.chdir(folder);
const commands = new CommandThread();
after(() => commands.close());

/** A node of one's own, and the command that asks it. */
async function operated(t: TestContext) {
  const node = new OperatedNode();
  const server = await createAdminServer({
    host: '127.0.0.1',
    port: 0,
    token: 'the-token',
    view: node,
  });
  t.after(() => server.close());
  const meridian = (...args: string[]) =>
    commands.run(args, {
      NO_COLOR: '1',
      MERIDIAN_ADMIN_URL: `http://127.0.0.1:${server.port}`,
      MERIDIAN_ADMIN_TOKEN_FILE: 'token',
    });
  return { node, meridian };
}

function write(name: string, http: number, more = ''): string {
  const region = (n: number) =>
    `{ address: 127.0.${n}.1, location: { latitude: 5, longitude: ${n} } }`;
  const regions = ['eu', 'us', 'ap'].map((region_, n) => `  ${region_}: ${region(n + 2)}`);
  const text = `regions:\n${regions.join('\n')}\nports: { http: ${http} }\n${more}`;
  writeFileSync(join(folder, name), text);
  return name;
}

const first = write('first.yaml', 8080);
const second = write('second.yaml', 8081);
const third = write('third.yaml', 8082);

test('plan, apply, history, rollback: what an operator does in a day', async (t) => {
  const { meridian } = await operated(t);
  const before = await meridian('plan', first);
  assert.deepEqual([before.status, before.stderr], [0, '']);
  assert.match(
    before.stdout,
    /^first\.yaml against the file that the node runs \(abc\); nothing was/,
  );
  const applied = await meridian('apply', first, '--message', 'to begin with', '--author', 'ana');
  assert.deepEqual([applied.status, applied.stderr], [0, '']);
  assert.match(
    applied.stdout,
    /^revision 1 \([0-9a-f]{8}\) is accepted\n {2}ap {2}serves it in 0\.12 s\n {2}eu {2}serves it.*\n {2}us {2}serves it.*\nrevision 1 \([0-9a-f]{8}\) serves on every node\n$/,
  );
  const same = await meridian('plan', first);
  assert.match(
    same.stdout,
    /^no changes: first\.yaml is revision 1 \([0-9a-f]{8}\) by ana \d+ s ago/,
  );
  assert.equal(same.status, 0);
  const plan = await meridian('plan', second);
  assert.match(
    plan.stdout,
    /^second\.yaml against revision 1 \(\w{8}\) by ana \d+ s ago: to begin/,
  );
  assert.match(plan.stdout, /^every region\n {2}listener http moves from 8080 to 8081$/m);
  assert.match(plan.stdout, /^@@ ports @@\n- http: 8080\n\+ http: 8081$/m);
  assert.equal((await meridian('apply', second)).status, 0);
  assert.match((await meridian('apply', second)).stdout, /^no changes: second\.yaml is revision 2/);
  const back = await meridian('rollback', '--json');
  assert.equal(back.status, 0, back.stdout);
  assert.deepEqual(
    [JSON.parse(back.stdout).revision.restores, JSON.parse(back.stdout).outcome],
    [1, 'done'],
  );
  const history = await meridian('history');
  assert.match(
    history.stdout,
    /^REVISION +CONTENT +APPLIED +AS +BY +STATE +MESSAGE\n3 .*rollback to 1 .*current\n2 /,
  );
  assert.match(history.stdout, /^1 .* apply +ana +to begin with$/m);
  assert.equal(
    JSON.parse((await meridian('history', '--limit', '2', '--json')).stdout).revisions.length,
    2,
  );
  assert.deepEqual(await meridian('drift'), {
    status: 0,
    stdout: 'no drift: every node runs what it is to run\n',
    stderr: '',
  });
});

test('a plan holds its base and its content: against another of either it is refused', async (t) => {
  const { meridian, node } = await operated(t);
  await meridian('apply', first);
  const made = await meridian('plan', second, '--out', 'plan.json');
  assert.match(made.stdout, /`meridian apply second\.yaml --plan plan\.json` applies this/);
  const other = await meridian('apply', third, '--plan', 'plan.json');
  assert.match(other.stderr, /^meridian: plan\.json is not the plan of third\.yaml as it is now/);
  await meridian('apply', third, '--author', 'ben', '--message', 'meanwhile');
  const late = await meridian('apply', second, '--plan', 'plan.json');
  assert.equal(late.status, 1);
  assert.match(
    late.stderr,
    /^meridian: the configuration was changed since revision 1; look at it, and plan again\n {2}revision 2 \(\w{8}\) by ben \d+ s ago: meanwhile\n$/,
  );
  const based = await meridian('apply', second, '--base', '1', '--json');
  assert.equal(JSON.parse(based.stdout).error.code, 'revision_conflict');
  assert.deepEqual([based.status, JSON.parse(based.stdout).error.details.since.length], [1, 1]);
  assert.equal((await node.revisions.current()).head?.current.sequence, 2);
  await meridian('plan', second, '--out', 'plan.json');
  assert.equal((await meridian('apply', second, '--plan', 'plan.json')).status, 0);
  for (const broken of ['{', '{"format":"meridian-plan/2"}']) {
    writeFileSync(join(folder, 'broken.json'), broken);
    const { stderr, status } = await meridian('apply', second, '--plan', 'broken.json');
    assert.match(stderr, /^meridian: the plan broken\.json cannot be used: it was not made by/);
    assert.equal(status, 1);
  }
});

test('a node that refuses, or that is silent, is named, and the status is 1', async (t) => {
  const { meridian, node } = await operated(t);
  await meridian('apply', first);
  node.behaviours.set('us', 'refuses');
  const refused = await meridian('apply', second);
  assert.equal(refused.status, 1);
  assert.match(
    refused.stdout,
    /^ {2}us {2}refused: it cannot build revision 2: port 8081 is taken$/m,
  );
  assert.match(refused.stdout, /^ {2}eu {2}serves it/m);
  assert.match(refused.stdout, /^refused: a node refused it$/m);
  const drift = await meridian('drift');
  assert.equal(drift.status, 1);
  assert.match(
    drift.stdout,
    /^NODE +STATE +RUNS +IS TO RUN +FOR +REASON\nus +refused +1 \(\w+\) +2 \(\w+\) +\d+ s +it cannot/,
  );
  assert.equal(JSON.parse((await meridian('drift', '--json')).stdout).nodes.length, 1);
  node.behaviours.set('us', 'silent');
  const late = await meridian('apply', third, '--timeout', '300ms');
  assert.equal(late.status, 1);
  assert.match(late.stdout, /^ {2}us {2}unreachable: it has not reported for 60 s$/m);
  assert.match(late.stdout, /^not done: after 0\.3 s not everywhere: us$/m);
  const unwatched = await meridian('rollback', '--no-wait');
  assert.match(unwatched.stdout, /^revision 4 \(\w{8}\) is accepted\n$/);
  assert.equal(unwatched.status, 0);
});

test('waves are told as they come; one that breaks a bound is told with the reason', async (t) => {
  const { meridian, node } = await operated(t);
  const { moves } = node.revisions;
  await meridian('apply', first);
  const wave = ['--wave', 'us+ap,rest', '--pause', '1s', '--max-error-share', '2%'];
  moves.push(['wait', ''], ['advance', 'bounds held for 1 s'], ['finish', 'all waves run it']);
  const done = await meridian('apply', second, ...wave, '--min-ready', '0.5');
  assert.equal(done.status, 0, done.stderr + done.stdout);
  const { rollout } = node.revisions.lastApply!;
  assert.deepEqual(rollout, {
    waves: [['us', 'ap'], ['eu']],
    pauseMs: 1_000,
    bounds: { errorShare: 0.02, readyShare: 0.5 },
  });
  const stages = done.stdout.split('\n').filter((line) => /^(wave|rollout)/.test(line));
  assert.deepEqual(stages, [
    'wave 1 of 2: us, ap',
    'wave 2 of 2: eu',
    'rollout done: all waves run it',
  ]);
  assert.match(done.stdout, /^revision 2 \(\w{8}\) serves on every node$/m);
  moves.push(['wait', ''], ['rollBack', '12 % of the answers of us were errors, 1 % is the bound']);
  const broken = await meridian('apply', third, '--wave', 'us,rest');
  assert.equal(broken.status, 1);
  assert.match(broken.stdout, /^rolled back: 12 % of the answers of us were errors, 1 % is the/m);
  assert.match((await meridian('history')).stdout, /^3 .*rolled back +12 % .*\n2 .*running$/m);
  assert.match(
    (await meridian('plan', second)).stdout,
    /^no changes: .*revision 2 .*was rolled back/,
  );
  const plan = await meridian('plan', first, '--json');
  assert.deepEqual(
    [JSON.parse(plan.stdout).base.sequence, JSON.parse(plan.stdout).against.sequence],
    [3, 2],
  );
  for (const [waves, message] of [
    ['use,rest', /no region "use"; did you mean "us"\?/],
    ['us,eu', /leaves out ap: add ",rest"/],
    ['us,us,rest', /names us twice/],
  ] as const) {
    const { status, stderr } = await meridian('apply', first, '--wave', waves);
    assert.match(stderr, message);
    assert.equal(status, 2);
  }
});

test('what the store says of a write reaches the operator; an open outcome is asked for again', async (t) => {
  const { meridian, node } = await operated(t);
  const { revisions } = node;
  revisions.refusal = storeError('no_quorum', 'no majority of the hub answers', {
    outcome: 'none',
  });
  const failed = await meridian('apply', first, '--json');
  const { error } = JSON.parse(failed.stdout);
  assert.deepEqual([error.code, error.details.outcome, failed.status], ['no_quorum', 'none', 1]);
  assert.equal(error.message, 'nothing was applied: no majority of the hub answers');
  const change = 'ab'.repeat(12);
  revisions.refusal = revisionError('outcome_unknown', 'not confirmed', { details: { change } });
  assert.equal((await meridian('apply', first)).status, 0);
  assert.equal(revisions.lastApply?.change, change);
  revisions.refusal = revisionError('rollout_running', 'revision 1 is being rolled out');
  const running = await meridian('apply', second);
  assert.match(running.stderr, /^meridian: revision 1 is being rolled out/);
  await meridian('apply', second, '--supersede', '--no-wait');
  assert.equal(revisions.lastApply?.supersede, true);
});

test('mistakes of the file are told before anything is asked; the node tells those it finds', async (t) => {
  const { meridian, node } = await operated(t);
  const wrong = await meridian('apply', write('wrong.yaml', 8080, 'rout: []\n'));
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /^meridian: wrong\.yaml:6:1: rout: .*did you mean "routes"/);
  assert.equal(node.revisions.lastApply, undefined);
});

test('export writes the bundle whole, for the user alone', async (t) => {
  const { meridian } = await operated(t);
  const { status, stdout } = await meridian('export', '--out', 'bundle');
  assert.deepEqual([status, stdout], [0, 'bundle: 8 bytes\n']);
  const path = join(folder, 'bundle');
  assert.equal(readFileSync(path, 'utf8'), 'a bundle');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const nowhere = await meridian('export', '--out', 'no/where');
  assert.match(nowhere.stderr, /^meridian: cannot write no\/where: /);
  assert.equal(nowhere.status, 1);
});

test('a wrong token, no token and no node are told as such', async (t) => {
  const { meridian } = await operated(t);
  writeFileSync(join(folder, 'other'), 'gu3ss');
  const wrong = await meridian('apply', first, '--token-file', 'other');
  assert.match(wrong.stderr, /^meridian: wrong token$/m);
  const missing = await meridian('apply', first, '--token-file', 'nowhere');
  assert.match(missing.stderr, /^meridian: the admin token cannot be read: ENOENT/);
  const nobody = await meridian('drift', '--admin', '127.0.0.1:1');
  assert.match(nobody.stderr, /^meridian: the admin API at 127\.0\.0\.1:1 cannot be reached/);
  const nonsense = await meridian('drift', '--admin', 'https://a.test/x');
  assert.match(nonsense.stderr, /is not the address of an admin API, such as/);
  const elsewhere = await meridian('drift', '--state', 'none');
  assert.match(elsewhere.stderr, /^meridian: no stack has been started on .*none/);
  for (const { status } of [wrong, missing, nobody, nonsense, elsewhere]) assert.equal(status, 1);
});
