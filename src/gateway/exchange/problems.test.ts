import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serialiseAnswer } from './answers.ts';
import { isProblemCode, type ProblemCode, problemBody, problems } from './problems.ts';

test('every problem has a reason phrase, a title of its own and a fitting source', () => {
  const titles = new Set<string>();
  for (const [code, problem] of Object.entries(problems)) {
    assert.ok(isProblemCode(code));
    assert.match(code, /^[a-z]+(_[a-z]+)*$/);
    assert.equal(
      problem.source === 'client',
      problem.status < 500 || [501, 505].includes(problem.status),
      code,
    );
    assert.ok(!titles.has(problem.title), problem.title);
    titles.add(problem.title);
    const text = serialiseAnswer(
      { status: problem.status, contentType: 'x/y', body: '', fields: '' },
      { requestId: 'r', region: 'eu', wallMs: 0, headOnly: false },
      true,
      1,
    );
    assert.match(text, /^HTTP\/1\.1 \d{3} [A-Z][A-Za-z -]+\r\n/, code);
  }
  assert.ok(!isProblemCode('toString'));
});

test('the body is RFC 9457 with code and request id, ASCII', () => {
  for (const code of Object.keys(problems) as ProblemCode[]) {
    const text = problemBody(code, 'abc', 'why');
    assert.match(text, /^[\x20-\x7e]*$/, code);
    const { status, title } = problems[code];
    assert.deepEqual(JSON.parse(text), {
      type: `urn:meridian:problem:${code}`,
      title,
      status,
      code,
      requestId: 'abc',
      detail: 'why',
    });
  }
  assert.equal('detail' in JSON.parse(problemBody('bad_path', 'abc')), false);
});
