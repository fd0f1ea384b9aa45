/**
 * Registering, unregistering, the interval and the status: what the two modules ask the host, what they refuse
 * themselves, and how the host's refusals reach the program. The numbers are the rows of Expo's behaviour.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostAndFace, rejection } from './support/face.mjs';

const nothing = () => {};

/** A face with the task `feed` defined. */
async function faceWithFeed(t) {
  const made = await hostAndFace(t);
  made.TaskManager.defineTask('feed', nothing);
  return made;
}

test('row 1, row 2, row 5: the names of both modules, the enumerations under all four', async (t) => {
  const { BackgroundFetch, TaskManager } = await hostAndFace(t);
  const functions = (module) => Object.keys(module).filter((name) => typeof module[name] === 'function').sort();
  assert.deepEqual(functions(BackgroundFetch), [
    'getStatusAsync',
    'registerTaskAsync',
    'setMinimumIntervalAsync',
    'unregisterTaskAsync',
  ]);
  assert.deepEqual(functions(TaskManager), [
    'defineTask',
    'getRegisteredTasksAsync',
    'getTaskOptionsAsync',
    'isTaskDefined',
    'isTaskRegisteredAsync',
    'unregisterAllTasksAsync',
    'unregisterTaskAsync',
  ]);
  assert.equal(BackgroundFetch.BackgroundFetchResult, BackgroundFetch.Result);
  assert.equal(BackgroundFetch.BackgroundFetchStatus, BackgroundFetch.Status);
});

test('row 3, row 4: the numbers of the enumerations', async (t) => {
  const { BackgroundFetch } = await hostAndFace(t);
  assert.deepEqual(BackgroundFetch.Result, { NoData: 1, NewData: 2, Failed: 3 });
  assert.deepEqual(BackgroundFetch.Status, { Denied: 1, Restricted: 2, Available: 3 });
});

test('row 6: no asynchronous function throws at once, whatever it is given', async (t) => {
  const { BackgroundFetch, TaskManager, host } = await hostAndFace(t);
  host.answers.tasks = 'answer-app-id-taken';
  for (const [module, name] of [
    [BackgroundFetch, 'setMinimumIntervalAsync'],
    [BackgroundFetch, 'registerTaskAsync'],
    [BackgroundFetch, 'unregisterTaskAsync'],
    [TaskManager, 'isTaskRegisteredAsync'],
    [TaskManager, 'getTaskOptionsAsync'],
    [TaskManager, 'getRegisteredTasksAsync'],
    [TaskManager, 'unregisterTaskAsync'],
  ]) {
    assert.ok((await rejection(module[name](undefined))) instanceof Error, name);
  }
});

test('row 10: each module has its own unregisterTaskAsync; only that of BackgroundFetch names the type', async (t) => {
  const { BackgroundFetch, TaskManager, host } = await hostAndFace(t);
  await BackgroundFetch.unregisterTaskAsync('feed');
  await TaskManager.unregisterTaskAsync('feed');
  assert.deepEqual((await host.asked('unregister')).params, { task: 'feed', type: 'backgroundFetch' });
  assert.deepEqual((await host.asked('unregister')).params, { task: 'feed' });
});

test('row 18: the status is the number that the host answers', async (t) => {
  const { BackgroundFetch, host } = await hostAndFace(t);
  assert.equal(await BackgroundFetch.getStatusAsync(), BackgroundFetch.Status.Available);
  host.answers.status = 'status-answer-denied';
  assert.equal(await BackgroundFetch.getStatusAsync(), BackgroundFetch.Status.Denied);
});

test('row 24, row 28, row 29: the interval is in seconds, needs no task, and resolves to undefined', async (t) => {
  const { BackgroundFetch, bgfetch, host } = await hostAndFace(t);
  assert.equal(await BackgroundFetch.setMinimumIntervalAsync(900), undefined);
  assert.deepEqual((await host.asked('setMinimumInterval')).params, { seconds: 900 });
  assert.equal(await bgfetch.setMinimumInterval(0.5), 60);
});

test('row 27: an interval that is not finite is a TypeError, a negative one is zero', async (t) => {
  const { BackgroundFetch, host } = await hostAndFace(t);
  for (const interval of [NaN, Infinity, -Infinity, '900', undefined, null, 900n]) {
    const error = await rejection(BackgroundFetch.setMinimumIntervalAsync(interval));
    assert.ok(error instanceof TypeError);
    assert.equal(error.message, '`minimumInterval` must be a finite number of seconds.');
  }
  assert.deepEqual(host.requests, []);
  await BackgroundFetch.setMinimumIntervalAsync(-5);
  assert.deepEqual((await host.asked('setMinimumInterval')).params, { seconds: 0 });
});

test('row 34, row 35: registering what is not defined is an Error without a code, whatever the name', async (t) => {
  const { BackgroundFetch, host } = await hostAndFace(t);
  for (const name of ['a', '', undefined, 7]) {
    const error = await rejection(BackgroundFetch.registerTaskAsync(name));
    assert.equal(
      error.message,
      `Task '${name}' is not defined. You must define a task using TaskManager.defineTask before registering.`,
    );
    assert.deepEqual([error.constructor, error.code], [Error, undefined]);
  }
  assert.deepEqual(host.requests, []);
});

test('row 37: a manifest without the mode `fetch` refuses with its code and message', async (t) => {
  const { BackgroundFetch, host } = await faceWithFeed(t);
  host.answers.register = 'register-answer-disabled';
  const error = await rejection(BackgroundFetch.registerTaskAsync('feed'));
  assert.equal(error.code, 'E_BACKGROUND_FETCH_DISABLED');
  assert.equal(
    error.message,
    "Background Fetch has not been configured. To enable it, add `fetch` to `UIBackgroundModes` in the application's " +
      'Info.plist file.',
  );
});

test('row 38: registering sends the options, none at all as {}, and no interval of the app', async (t) => {
  const { BackgroundFetch, host } = await faceWithFeed(t);
  for (const options of [undefined, null, { minimumInterval: 900 }]) {
    assert.equal(await BackgroundFetch.registerTaskAsync('feed', options), undefined);
    const { params } = await host.asked('register');
    assert.deepEqual(params, { task: 'feed', type: 'backgroundFetch', options: options ?? {} });
  }
  assert.ok(host.requests.every(({ method }) => method !== 'setMinimumInterval'));
});

test('row 43: registering resolves only when the host has answered', async (t) => {
  const { BackgroundFetch, host } = await faceWithFeed(t);
  host.answers.register = null;
  let resolved = false;
  const registered = BackgroundFetch.registerTaskAsync('feed').then(() => (resolved = true));
  const { id } = await host.asked('register');
  // A whole exchange on the same connection passes, and the promise still waits.
  await BackgroundFetch.getStatusAsync();
  assert.equal(resolved, false);
  host.write(`{"jsonrpc":"2.0","id":${id},"result":{}}\n`);
  await registered;
});

test('row 46, row 49: unregistering a bad name is a TypeError on both modules', async (t) => {
  const { BackgroundFetch, TaskManager, host } = await hostAndFace(t);
  for (const module of [BackgroundFetch, TaskManager]) {
    for (const name of ['', undefined, 7]) {
      const error = await rejection(module.unregisterTaskAsync(name));
      assert.ok(error instanceof TypeError);
      assert.equal(error.message, '`taskName` must be a non-empty string.');
    }
  }
  assert.deepEqual(host.requests, []);
});

test('row 47, row 49: unregistering an unknown name refuses with its code and message', async (t) => {
  const { BackgroundFetch, TaskManager, host } = await hostAndFace(t);
  host.answers.unregister = 'unregister-answer-not-found';
  for (const module of [BackgroundFetch, TaskManager]) {
    const error = await rejection(module.unregisterTaskAsync('feed'));
    assert.equal(error.code, 'E_TASK_NOT_FOUND');
    assert.equal(error.message, "Task 'feed' not found for app ID 'com.example.reader'.");
  }
});

test('row 48: unregistering a task of another type refuses with its code and message', async (t) => {
  const { BackgroundFetch, host } = await hostAndFace(t);
  host.answers.unregister = 'unregister-answer-other-type';
  const error = await rejection(BackgroundFetch.unregisterTaskAsync('feed'));
  assert.equal(error.code, 'E_INVALID_TASK_CONSUMER');
  assert.equal(
    error.message,
    "Invalid task consumer. Cannot unregister task with name 'feed' because it is associated with different consumer class.",
  );
});

test('row 50, row 54: unregistering needs no definition, and keeps one', async (t) => {
  const { BackgroundFetch, TaskManager } = await faceWithFeed(t);
  await BackgroundFetch.unregisterTaskAsync('another');
  await BackgroundFetch.unregisterTaskAsync('feed');
  assert.equal(TaskManager.isTaskDefined('feed'), true);
  await BackgroundFetch.registerTaskAsync('feed');
});

test('row 52: unregistering all tasks resolves', async (t) => {
  const { TaskManager, host } = await hostAndFace(t);
  assert.equal(await TaskManager.unregisterAllTasksAsync(), undefined);
  assert.deepEqual((await host.asked('unregisterAll')).params, {});
});

test('row 56: isTaskRegisteredAsync refuses bad names, and is false for unknown ones', async (t) => {
  const { TaskManager } = await hostAndFace(t);
  for (const name of ['', undefined, {}]) {
    const error = await rejection(TaskManager.isTaskRegisteredAsync(name));
    assert.ok(error instanceof TypeError);
    assert.equal(error.message, '`taskName` must be a non-empty string.');
  }
  assert.equal(await TaskManager.isTaskRegisteredAsync('feed'), true);
  assert.equal(await TaskManager.isTaskRegisteredAsync('unknown'), false);
});

test('row 57: getTaskOptionsAsync is null for unknown tasks and {} for those without options', async (t) => {
  const { TaskManager } = await hostAndFace(t);
  assert.equal(await TaskManager.getTaskOptionsAsync('unknown'), null);
  assert.deepEqual(await TaskManager.getTaskOptionsAsync('feed'), {});
  assert.deepEqual(await TaskManager.getTaskOptionsAsync('mail'), { minimumInterval: 900 });
});

test('row 58: getRegisteredTasksAsync gives each task with its name, type and options', async (t) => {
  const { TaskManager } = await hostAndFace(t);
  assert.deepEqual(await TaskManager.getRegisteredTasksAsync(), [
    { taskName: 'feed', taskType: 'backgroundFetch', options: {} },
    { taskName: 'mail', taskType: 'backgroundFetch', options: { minimumInterval: 900 } },
  ]);
});

test('beyond Expo: the status with its reason, its changes, and an opened app', async (t) => {
  const { bgfetch, host } = await hostAndFace(t);
  host.answers.status = 'status-answer-denied';
  const reason = { code: 'app-switched-off', text: 'background fetch is switched off for com.example.reader' };
  assert.deepEqual(await bgfetch.status(), { status: 1, reason });

  const changes = [];
  const heard = Promise.withResolvers?.() ?? {};
  heard.promise ??= new Promise((resolve) => (heard.resolve = resolve));
  const first = await bgfetch.onStatusChange((change) => changes.push(change));
  await bgfetch.onStatusChange(() => heard.resolve());
  host.notify('status-changed');
  await heard.promise;
  assert.deepEqual(changes, [{ status: 3, reason: null }]);
  first.remove();

  await bgfetch.opened();
  assert.deepEqual((await host.asked('opened')).params, {});
  assert.ok((await rejection(bgfetch.onStatusChange('x'))) instanceof TypeError);
});
