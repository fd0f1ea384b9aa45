/**
 * Defining tasks. A program defines them while its entry module is evaluated; what is not allowed is said on the
 * console and ignored, and nothing is ever thrown. The numbers are the rows of Expo's behaviour that each test checks.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostAndFace } from './support/face.mjs';

const nothing = () => {};

test('row 5, row 6: defineTask and isTaskDefined are synchronous and never throw', async (t) => {
  const { TaskManager } = await hostAndFace(t);
  assert.equal(TaskManager.defineTask('feed', nothing), undefined);
  for (const odd of [undefined, null, 0, Symbol('x'), {}, '']) {
    assert.equal(TaskManager.defineTask(odd, odd), undefined);
    assert.equal(TaskManager.isTaskDefined(odd), false);
  }
});

test('row 11: a name that is no non-empty string is refused with a warning', async (t) => {
  const { TaskManager, log } = await hostAndFace(t);
  for (const name of ['', undefined, 7, {}]) TaskManager.defineTask(name, nothing);
  const warning = ['warn', "TaskManager.defineTask: 'taskName' argument must be a non-empty string."];
  assert.deepEqual(log, [warning, warning, warning, warning]);
});

test('row 12: a task that is no function is refused with a warning', async (t) => {
  const { TaskManager, log } = await hostAndFace(t);
  TaskManager.defineTask('feed', 'not a function');
  assert.deepEqual(log, [['warn', "TaskManager.defineTask: 'task' argument must be a function."]]);
  assert.equal(TaskManager.isTaskDefined('feed'), false);
});

test('row 13: a late definition is refused with an error, before its arguments are looked at', async (t) => {
  const { TaskManager, initialised, log } = await hostAndFace(t);
  TaskManager.defineTask('feed', nothing);
  initialised();
  TaskManager.defineTask('mail', nothing);
  TaskManager.defineTask('', nothing);
  TaskManager.defineTask('feed', nothing);
  const error = ['error', 'TaskManager.defineTask must be called during initialization phase!'];
  assert.deepEqual(log, [error, error, error]);
  assert.deepEqual([TaskManager.isTaskDefined('feed'), TaskManager.isTaskDefined('mail')], [true, false]);
});

test('row 14: the first definition of a name wins, with a warning', async (t) => {
  const { TaskManager, initialised, host, log, BackgroundFetch } = await hostAndFace(t);
  const called = [];
  TaskManager.defineTask('feed', () => void called.push('first'));
  TaskManager.defineTask('feed', () => void called.push('second'));
  assert.deepEqual(log, [['warn', "TaskManager.defineTask: task 'feed' is already defined."]]);
  initialised();
  await BackgroundFetch.getStatusAsync();
  host.notify('execute');
  await host.asked('finish');
  assert.deepEqual(called, ['first']);
});

test('row 15: isTaskDefined is a plain look-up', async (t) => {
  const { TaskManager, log } = await hostAndFace(t);
  TaskManager.defineTask('feed', nothing);
  assert.deepEqual([TaskManager.isTaskDefined('feed'), TaskManager.isTaskDefined(undefined)], [true, false]);
  assert.deepEqual(log, []);
});

test('row 16: a new process has no definitions', async (t) => {
  const first = await hostAndFace(t);
  first.TaskManager.defineTask('feed', nothing);
  const second = await hostAndFace(t);
  assert.equal(second.TaskManager.isTaskDefined('feed'), false);
});
