/** A process in a wake is held by its connection until its runs are answered, and by nothing of ours afterwards. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const { endWithWake } = createRequire(import.meta.url)('../src/node/wake.cjs');

/** Whether a timer keeps this process running, apart from those that did before. */
const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

function wake() {
  const seen = { held: true, left: false };
  const transport = { hold: () => () => (seen.held = false), close: () => {}, onEnd: () => {} };
  const written = { write: (_, done) => done() };
  const onRunning = endWithWake({ stdout: written, stderr: written, exit: () => (seen.left = true) }, transport);
  return { seen, transport, onRunning, before: timers() };
}

test('the end of the connection lets the process go, whether the last answer is noticed before or after', () => {
  for (const order of [['end', 'answered'], ['answered', 'end']]) {
    const { seen, transport, onRunning, before } = wake();
    onRunning(1);
    assert.equal(seen.held, true);
    for (const what of order) {
      if (what === 'end') transport.onEnd();
      else onRunning(0);
    }
    assert.deepEqual([seen.held, timers() - before], [false, 0], order.join(', '));
  }
});

test('without that end the process waits for another event, and then leaves', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { seen, onRunning } = wake();
  onRunning(0);
  t.mock.timers.tick(499);
  onRunning(1);
  t.mock.timers.tick(10_000);
  assert.equal(seen.left, false);
  onRunning(0);
  t.mock.timers.tick(500);
  assert.equal(seen.left, true);
});
