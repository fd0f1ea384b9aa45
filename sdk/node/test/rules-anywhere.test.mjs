/**
 * The rules run in any JavaScript engine: here in a context that has the language and nothing of Node, over a transport
 * of its own.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import vm from 'node:vm';
import { GOLDEN } from './support/scripted-host.mjs';

const RULES = new URL('../src/rules/', import.meta.url);

/** Loads a rule file, and those it requires, in `context`; anything else it may not require. */
function load(context, name, loaded = new Map()) {
  assert.match(name, /^\.\/[a-z-]+\.cjs$/, 'rules require rules alone');
  if (loaded.has(name)) return loaded.get(name);
  const module = { exports: {} };
  const source = readFileSync(new URL(name, RULES), 'utf8');
  const wrapped = vm.runInContext(`(function (module, exports, require) {${source}\n})`, context, { filename: name });
  wrapped(module, module.exports, (other) => load(context, other, loaded));
  loaded.set(name, module.exports);
  return module.exports;
}

test('a task is defined, registered, run, warned and answered in a bare engine', async () => {
  const context = vm.createContext({});
  const asked = [];
  const log = [];
  let finished;
  const answered = new Promise((resolve) => (finished = resolve));
  const transport = {
    hold: () => () => {},
    defined: (names) => asked.push(['ready', [...names]]),
    request: async (method, params) => {
      asked.push([method, JSON.parse(JSON.stringify(params))]);
      if (method === 'finish') finished();
      return {};
    },
  };
  class Aborter {
    signal = { aborted: false };
    abort(reason) {
      this.signal = { aborted: true, reason };
    }
  }
  let clock = 0;
  const { BackgroundFetch, TaskManager, initialised } = load(context, './face.cjs').createFace({
    transport,
    console: { warn: (...args) => log.push(args), error: (...args) => log.push(args) },
    now: () => clock,
    bornAt: () => 0,
    AbortController: () => Aborter,
  });

  let seen;
  TaskManager.defineTask('feed', ({ executionInfo }) => {
    clock = 1000;
    transport.onNotification('expiring', JSON.parse(GOLDEN.expiring.line).params);
    clock = 2000;
    seen = [executionInfo.remainingTime(), executionInfo.signal.aborted];
    return '2';
  });
  initialised();
  await BackgroundFetch.registerTaskAsync('feed');
  transport.onNotification('execute', JSON.parse(GOLDEN.execute.line).params);
  await answered;
  assert.deepEqual(seen, [4000, true]);
  assert.deepEqual(asked.map(([method]) => method), ['ready', 'register', 'finish']);
  assert.equal(asked[2][1].result, 1);
  assert.equal(log.length, 1);
});
