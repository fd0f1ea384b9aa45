/**
 * The SDK speaks the golden lines of `fixtures/wire`: each request it makes is the golden one, member for member, and
 * each golden answer and notification is understood.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostAndFace, rejection } from './support/face.mjs';
import { GOLDEN } from './support/scripted-host.mjs';

const golden = (name) => JSON.parse(GOLDEN[name].line);

/** What the SDK does to make each golden request. */
const MADE_BY = {
  'hello-node': ({ BackgroundFetch }) => BackgroundFetch.getStatusAsync(),
  ready: async ({ BackgroundFetch, initialised }) => {
    await BackgroundFetch.getStatusAsync();
    initialised();
  },
  register: ({ BackgroundFetch }) => BackgroundFetch.registerTaskAsync('feed'),
  'register-with-options': ({ BackgroundFetch }) =>
    BackgroundFetch.registerTaskAsync('Nachrichten für später', { minimumInterval: 900, tag: 'naïve 🗞' }),
  unregister: ({ BackgroundFetch }) => BackgroundFetch.unregisterTaskAsync('feed'),
  'unregister-any-type': ({ TaskManager }) => TaskManager.unregisterTaskAsync('feed'),
  'unregister-all': ({ TaskManager }) => TaskManager.unregisterAllTasksAsync(),
  tasks: ({ TaskManager }) => TaskManager.getRegisteredTasksAsync(),
  'set-minimum-interval': ({ BackgroundFetch }) => BackgroundFetch.setMinimumIntervalAsync(0.5),
  status: ({ BackgroundFetch }) => BackgroundFetch.getStatusAsync(),
  opened: ({ bgfetch }) => bgfetch.opened(),
  finish: (made) => finish(made, () => 2),
  'finish-nothing': (made) => finish(made, () => null),
  'finish-failed': (made) => finish(made, () => Promise.reject(new Error('the feed is gone'))),
  'finish-undefined-task': (made) => finish(made, undefined),
};

async function finish({ TaskManager, BackgroundFetch, initialised, host }, task) {
  if (task) TaskManager.defineTask('feed', task);
  initialised();
  await BackgroundFetch.getStatusAsync();
  host.notify('execute');
}

for (const [name, make] of Object.entries(MADE_BY)) {
  test(`${name}: ${GOLDEN[name].means}`, async (t) => {
    const made = await hostAndFace(t);
    if (!name.startsWith('finish')) {
      for (const task of ['feed', 'Nachrichten für später'].slice(0, name === 'register-with-options' ? 2 : 1)) {
        made.TaskManager.defineTask(task, () => {});
      }
    }
    await make(made);
    const heard = await made.host.asked(GOLDEN[name].method);
    assert.deepEqual({ ...heard, id: 0 }, { ...golden(name), id: 0 });
    assert.deepEqual(Object.keys(heard.params), Object.keys(golden(name).params));
  });
}

test('every golden request of an app in Node is made above, or in a wake', () => {
  const others = ['hello-native', 'hello-control', 'hello-wake'];
  const wanted = Object.values(GOLDEN).filter(({ kind, name }) => kind === 'request' && !others.includes(name));
  assert.deepEqual(Object.keys(MADE_BY).sort(), wanted.map(({ name }) => name).sort());
});

test('a hello after the initialisation phase says which tasks are defined', async (t) => {
  const { BackgroundFetch, TaskManager, initialised, host } = await hostAndFace(t);
  for (const name of ['mail', 'feed']) TaskManager.defineTask(name, () => {});
  initialised();
  await BackgroundFetch.getStatusAsync();
  const { params } = await host.asked('hello');
  assert.deepEqual(params.app.defined, golden('hello-native').params.app.defined);
  assert.ok(host.requests.every(({ method }) => method !== 'ready'));
});

for (const { name, method } of Object.values(GOLDEN).filter(({ kind }) => kind === 'answer')) {
  const { error } = golden(name);
  if (error === undefined) continue;
  test(`${name}: the program gets its code, its message and its data`, async (t) => {
    const made = await hostAndFace(t);
    made.TaskManager.defineTask('feed', () => {});
    made.host.answers[method] = name;
    const refused = await rejection(
      method === 'unregister' ? made.TaskManager.unregisterTaskAsync('feed') : made.BackgroundFetch.registerTaskAsync('feed'),
    );
    const { code, ...more } = error.data;
    assert.deepEqual([refused.code, refused.message], [code, error.message]);
    assert.deepEqual(refused.data ?? {}, more);
  });
}

test('a task of a type that this version does not know is passed on', async (t) => {
  const { TaskManager, host } = await hostAndFace(t);
  host.answers.tasks = 'tasks-answer-newer-type';
  assert.deepEqual(await TaskManager.getRegisteredTasksAsync(), golden('tasks-answer-newer-type').result);
});

test('unknown notifications, unknown members and empty lines are ignored', async (t) => {
  const { BackgroundFetch, host, log } = await hostAndFace(t);
  await BackgroundFetch.getStatusAsync();
  host.write('\n{"jsonrpc":"2.0","method":"somethingNew","params":{"x":1}}\n  \n{"jsonrpc":"2.0","id":99,"result":{}}\n');
  assert.equal(await BackgroundFetch.getStatusAsync(), 3);
  assert.deepEqual([log, host.requests.filter(({ method }) => method === 'hello').length], [[], 1]);
});
