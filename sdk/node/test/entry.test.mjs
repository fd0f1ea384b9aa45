/** When the initialisation phase ends: never before the entry module has settled, and never much later than it may. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { bounded, folder } from './support/scripted-host.mjs';

const require = createRequire(import.meta.url);
const { whenEntrySettled } = require('../src/node/entry.cjs');

const turn = () => new Promise((resolve) => setImmediate(resolve));

const WAITS = 'await new Promise((resolve) => setImmediate(resolve)); globalThis.entrySettled = true;';

/** A process whose entry is an ES module with that text. */
function processWith(t, text) {
  const entry = join(folder(t), 'index.mjs');
  writeFileSync(entry, text);
  return { argv: ['node', entry], execArgv: [], env: {} };
}

test('an entry that never settles holds its tasks back for ten seconds', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  let ended = 0;
  whenEntrySettled(processWith(t, 'await new Promise(() => {});'), () => (ended += 1));
  await turn();
  mock.timers.tick(9999);
  await turn();
  await turn();
  assert.equal(ended, 0);
  mock.timers.tick(1);
  await turn();
  assert.equal(ended, 1);
});

test('an entry is waited for, and its phase ended once', async (t) => {
  let ended = 0;
  const settled = bounded(
    new Promise((resolve) => {
      whenEntrySettled(processWith(t, WAITS), () => {
        ended += 1;
        resolve();
      });
    }),
    'the end of the phase',
  );
  await settled;
  await turn();
  assert.deepEqual([ended, globalThis.entrySettled], [1, true]);
});

test('without an entry, or with a CommonJS one, the phase ends with the first turn', async () => {
  for (const more of [{ argv: ['node'] }, { argv: ['node', '/gone.mjs'] }, { argv: ['node', '/x'], mainModule: {} }]) {
    let ended = 0;
    whenEntrySettled({ execArgv: [], env: {}, ...more }, () => (ended += 1));
    await turn();
    assert.equal(ended, 1);
  }
});

test('a worker thread does not run the entry of the main thread', async (t) => {
  const process = processWith(t, `throw new Error('the entry ran in a worker');`);
  const worker = new Worker(
    `const { whenEntrySettled } = require(${JSON.stringify(require.resolve('../src/node/entry.cjs'))});
     const { parentPort } = require('node:worker_threads');
     whenEntrySettled(${JSON.stringify(process)}, () => parentPort.postMessage('ended'));`,
    { eval: true },
  );
  t.after(() => worker.terminate());
  assert.deepEqual(await bounded(once(worker, 'message'), 'the worker'), ['ended']);
});

const USES = `require(${JSON.stringify(require.resolve('../src/index.cjs'))}).TaskManager.isTaskDefined('feed');`;

for (const [what, words, input] of [
  ['-e', ['-e', USES]],
  ['-p', ['-p', USES]],
  ['--eval=', [`--eval=${USES}`]],
  ['a text of ES modules', ['--input-type=module', '-e', `import { createRequire } from 'node:module';
    const require = createRequire('/');${USES}`]],
  ['standard input', ['-'], USES],
]) {
  test(`a file that is an argument of ${what} is never run`, (t) => {
    const file = join(folder(t), 'argument.mjs');
    writeFileSync(file, `console.log('the argument ran');`);
    const { status, stdout, stderr } = spawnSync(process.execPath, [...words, file], { input, encoding: 'utf8' });
    assert.deepEqual([status, stdout.replace('false\n', ''), stderr], [0, '', '']);
  });
}
