/**
 * Running tasks: what a task is called with, what its return value counts as, and that each event is answered once
 * whatever the task does. The numbers are the rows of Expo's behaviour.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostAndFace } from './support/face.mjs';
import { GOLDEN } from './support/scripted-host.mjs';

/** A connected face with those tasks, its initialisation over. */
async function running(t, tasks) {
  const made = await hostAndFace(t);
  for (const [name, task] of Object.entries(tasks)) made.TaskManager.defineTask(name, task);
  made.initialised();
  await made.BackgroundFetch.getStatusAsync();
  return made;
}

const golden = JSON.parse(GOLDEN.execute.line).params;

test('row 61, row 62, row 63: a task is called with one object: no data, no error, and which run it is', async (t) => {
  const calls = [];
  const { host } = await running(t, { feed: (...args) => void calls.push(args) });
  host.notify('execute');
  await host.asked('finish');
  const [[body, ...rest]] = calls;
  assert.deepEqual(rest, []);
  assert.deepEqual(Object.keys(body), ['data', 'error', 'executionInfo']);
  assert.deepEqual([body.data, body.error], [{}, null]);
  assert.deepEqual(JSON.parse(JSON.stringify(body.executionInfo)), golden.executionInfo);
});

test('row 63, row 90: an app that already runs is called where it is', async (t) => {
  const states = [];
  const { host } = await running(t, { feed: ({ executionInfo }) => void states.push(executionInfo.appState) });
  host.notify('execute-active-simulated');
  await host.asked('finish');
  assert.deepEqual(states, ['active']);
});

test('row 64: a task may be synchronous or asynchronous', async (t) => {
  const { host } = await running(t, { now: () => 2, later: async () => (await Promise.resolve(), 2) });
  for (const taskName of ['now', 'later']) {
    host.notify('execute', ({ executionInfo }) => Object.assign(executionInfo, { taskName, eventId: taskName }));
    assert.deepEqual((await host.asked('finish')).params, { eventId: taskName, result: 2 });
  }
});

test('row 65: a task that throws or rejects failed, with a line on the console', async (t) => {
  const error = new Error('the feed is gone');
  const { host, log } = await running(t, {
    throws: () => {
      throw error;
    },
    rejects: () => Promise.reject(error),
  });
  for (const taskName of ['throws', 'rejects']) {
    host.notify('execute', ({ executionInfo }) => Object.assign(executionInfo, { taskName, eventId: taskName }));
    const { params } = await host.asked('finish');
    assert.deepEqual(params, { eventId: taskName, result: 3, message: 'Error: the feed is gone' });
  }
  assert.deepEqual(log, [
    ['error', 'TaskManager: Task "throws" failed:', error],
    ['error', 'TaskManager: Task "rejects" failed:', error],
  ]);
});

test('row 66: an event is answered once, also when it comes twice while it runs', async (t) => {
  let release;
  const { host, BackgroundFetch } = await running(t, { feed: () => new Promise((resolve) => (release = resolve)) });
  host.notify(['execute', 'execute']);
  await BackgroundFetch.getStatusAsync();
  release(2);
  await host.asked('finish');
  await BackgroundFetch.getStatusAsync();
  assert.equal(host.requests.filter(({ method }) => method === 'finish').length, 1);
});

test('row 66: an answer that the host no longer wants is no error', async (t) => {
  const { host, BackgroundFetch, log } = await running(t, { feed: () => 2 });
  for (const answer of ['finish-answer-late', 'answer-newer-code']) {
    host.answers.finish = answer;
    host.notify('execute');
    await host.asked('finish');
    await BackgroundFetch.getStatusAsync();
  }
  assert.deepEqual(log, []);
});

test('row 67: a task that is not defined is answered as such, with a warning, and stays registered', async (t) => {
  const { host, BackgroundFetch, log } = await running(t, {});
  host.notify('execute');
  const { params } = await host.asked('finish');
  assert.deepEqual(params, { eventId: golden.executionInfo.eventId, result: null, undefinedTask: true });
  assert.deepEqual(log, [
    [
      'warn',
      'TaskManager: Task "feed" has been executed but looks like it is not defined. Please make sure that ' +
        '"TaskManager.defineTask" is called during initialization phase.',
    ],
  ]);
  await BackgroundFetch.getStatusAsync();
  assert.ok(host.requests.every(({ method }) => method !== 'unregister'));
});

test('row 68, row 72: all tasks of a wake start at once, in the order of the host', async (t) => {
  const started = [];
  const releases = [];
  const task = ({ executionInfo }) => {
    started.push(executionInfo.taskName);
    return new Promise((resolve) => releases.push(resolve));
  };
  const { host, BackgroundFetch } = await running(t, { a: task, b: task, c: task });
  host.notify(['execute', 'execute', 'execute'], ({ executionInfo }, index) => {
    const taskName = ['b', 'c', 'a'][index];
    Object.assign(executionInfo, { taskName, eventId: taskName });
  });
  await BackgroundFetch.getStatusAsync();
  assert.deepEqual(started, ['b', 'c', 'a']);
  releases.reverse().forEach((release, index) => release(index + 1));
  const answers = [];
  for (let count = 0; count < 3; count += 1) answers.push((await host.asked('finish')).params);
  assert.deepEqual(answers, [
    { eventId: 'a', result: 1 },
    { eventId: 'c', result: 2 },
    { eventId: 'b', result: 3 },
  ]);
});

for (const [what, value, result] of [
  ['row 69: null', null, null],
  ['row 69: undefined', undefined, null],
  ['row 70: 1', 1, 1],
  ['row 70: 2', 2, 2],
  ['row 70: 3', 3, 3],
  ['row 70: 0', 0, 1],
  ['row 70: 4', 4, 1],
  ['row 70: 2.5', 2.5, 1],
  ['row 70: NaN', NaN, 1],
  ['row 71: "2"', '2', 1],
  ['row 71: true', true, 1],
  ['row 71: an object', {}, 1],
  ['row 71: 2n', 2n, 1],
]) {
  test(`${what} is answered as ${result}`, async (t) => {
    const { host, log } = await running(t, { feed: () => value });
    host.notify('execute');
    assert.equal((await host.asked('finish')).params.result, result);
    const isResult = value === null || value === undefined || [1, 2, 3].includes(value);
    if (value === null || value === undefined || [1, 2, 3].includes(value)) {
      assert.deepEqual(log, []);
    } else {
      assert.deepEqual([log.length, log[0][0]], [1, 'warn']);
      assert.match(log[0][1], /^TaskManager: Task "feed" returned .+ where a BackgroundFetch\.Result was expected; it counts as NoData\.$/);
    }
  });
}

test('row 85: what comes while tasks are being defined waits, and then runs in order', async (t) => {
  const started = [];
  const { host, TaskManager, BackgroundFetch, initialised } = await hostAndFace(t);
  await BackgroundFetch.getStatusAsync();
  host.notify(['execute', 'execute'], ({ executionInfo }, index) => {
    const taskName = ['b', 'a'][index];
    Object.assign(executionInfo, { taskName, eventId: taskName });
  });
  await BackgroundFetch.getStatusAsync();
  for (const name of ['a', 'b']) TaskManager.defineTask(name, () => void started.push(name));
  assert.deepEqual(started, []);
  initialised();
  assert.deepEqual(started, ['b', 'a']);
});

test('beyond Expo: expiring aborts the signals of its wake, and says how long is left', async (t) => {
  const seen = Promise.withResolvers?.() ?? {};
  seen.promise ??= new Promise((resolve) => (seen.resolve = resolve));
  const { host } = await running(t, {
    feed: ({ executionInfo }) =>
      new Promise((resolve) => {
        const before = executionInfo.remainingTime();
        executionInfo.signal.addEventListener('abort', () => {
          seen.resolve({ before, after: executionInfo.remainingTime(), why: executionInfo.signal.reason });
          resolve(3);
        });
        host.notify(['expiring', 'expiring'], (params, index) => (params.wake = [41, 42][index]));
      }),
  });
  host.notify('execute-active-simulated', ({ executionInfo }) => (executionInfo.wake = 42));
  const { before, after, why } = await seen.promise;
  assert.ok(before > 5000 && before <= 30_000, `${before} ms`);
  assert.ok(after <= 5000 && after > 0, `${after} ms`);
  assert.deepEqual([why.name, why.code, why.reason.code], ['AbortError', 'E_EXPIRING', 'limit']);
  assert.deepEqual((await host.asked('finish')).params.result, 3);
});

test('beyond Expo: a signal first looked at after the warning is aborted already', async (t) => {
  let info;
  let release;
  const { host, BackgroundFetch } = await running(t, {
    feed: ({ executionInfo }) => {
      info = executionInfo;
      return new Promise((resolve) => (release = resolve));
    },
  });
  host.notify(['execute', 'expiring']);
  await BackgroundFetch.getStatusAsync();
  assert.equal(info.signal.aborted, true);
  release(1);
  await host.asked('finish');
});
