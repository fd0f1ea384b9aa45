/**
 * A process that a host starts for a wake: a real one, with the package preloaded and the connected socket as its
 * descriptor 3. It says hello before the app begins, runs what is due when the app's tasks are defined, answers, and
 * ends by itself.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { GOLDEN } from './support/scripted-host.mjs';
import { appFolder, PRELOAD, startApp, wakeApp } from './support/processes.mjs';

const EVENT_ID = JSON.parse(GOLDEN.execute.line).params.executionInfo.eventId;

/** A wake of an ES module with that text after its import, in a folder where `expo` is this package. */
function wakeModule(t, text, options = {}) {
  const source = `import { BackgroundFetch, TaskManager } from 'expo';\n${text}`;
  return wakeApp(t, join(appFolder(t, { 'index.mjs': source }, { installedAs: 'expo' }), 'index.mjs'), options);
}

test('a wake says hello, is ready, answers and ends', async (t) => {
  const app = wakeModule(t, `TaskManager.defineTask('feed', () => { console.log('ran'); return 2; });`);
  assert.deepEqual(await app.ended(), { code: 0, signal: null, stdout: 'ran\n', stderr: '' });
  const [hello, ready, finish] = app.host.requests;
  assert.deepEqual(hello, JSON.parse(GOLDEN['hello-wake'].line));
  assert.deepEqual([ready.method, ready.params], ['ready', { defined: ['feed'] }]);
  assert.deepEqual([finish.method, finish.params], ['finish', { eventId: EVENT_ID, result: 2 }]);
  assert.equal(app.host.requests.length, 3);
});

test('row 13, row 17: tasks may be defined after a top-level await, until the entry has settled', async (t) => {
  const app = wakeModule(
    t,
    `console.log('evaluated');
     await new Promise((resolve) => setTimeout(resolve, 50));
     TaskManager.defineTask('feed', () => 2);
     setTimeout(() => TaskManager.defineTask('late', () => 2), 0).unref();
     setImmediate(() => setImmediate(() => TaskManager.defineTask('late', () => 2)));`,
  );
  const { stdout, stderr, code } = await app.ended();
  assert.deepEqual([stdout, code], ['evaluated\n', 0]);
  assert.match(stderr, /TaskManager\.defineTask must be called during initialization phase!/);
  assert.deepEqual((await app.host.asked('ready')).params, { defined: ['feed'] });
});

test('row 67: a task that the program no longer defines is answered as such', async (t) => {
  const app = wakeModule(t, '');
  const { code, stderr } = await app.ended();
  assert.match(stderr, /^TaskManager: Task "feed" has been executed but looks like it is not defined\./);
  assert.equal(code, 0);
  const { params } = await app.host.asked('finish');
  assert.deepEqual(params, { eventId: EVENT_ID, result: null, undefinedTask: true });
});

test('row 65: a task that throws is answered as Failed, and the wake ends as usual', async (t) => {
  const app = wakeModule(t, `TaskManager.defineTask('feed', async () => { throw new TypeError('no feed'); });`);
  const { code, stderr } = await app.ended();
  assert.equal(code, 0);
  assert.match(stderr, /^TaskManager: Task "feed" failed: TypeError: no feed/);
  const { params } = await app.host.asked('finish');
  assert.deepEqual(params, { eventId: EVENT_ID, result: 3, message: 'TypeError: no feed' });
});

test('a rejection that nobody handles ends the process, unanswered', async (t) => {
  const app = wakeModule(
    t,
    `TaskManager.defineTask('feed', () => { Promise.reject(new Error('lost')); return new Promise(() => {}); });`,
  );
  const { code, stderr } = await app.ended();
  assert.equal(code, 1);
  assert.match(stderr, /Error: lost/);
  assert.ok(app.host.requests.every(({ method }) => method !== 'finish'));
});

test('an entry that fails ends the process before it is ready', async (t) => {
  for (const text of [`throw new Error('broken');`, `await null; throw new Error('broken');`, `import './missing.mjs';`]) {
    const app = wakeModule(t, text);
    assert.equal((await app.ended()).code, 1);
    assert.deepEqual(app.host.requests.map(({ method }) => method), ['hello']);
  }
});

test('a task that hangs keeps the process until the host ends it; its siblings are answered', async (t) => {
  const app = wakeModule(
    t,
    `TaskManager.defineTask('hangs', () => new Promise(() => {}));
     TaskManager.defineTask('feed', () => 2);`,
    {
      events: ['execute', 'execute'],
      change: ({ executionInfo }, index) => {
        const taskName = ['hangs', 'feed'][index];
        Object.assign(executionInfo, { taskName, eventId: taskName });
      },
    },
  );
  assert.deepEqual((await app.host.asked('finish')).params, { eventId: 'feed', result: 2 });
  assert.equal(app.child.exitCode, null);
  app.child.kill('SIGTERM');
  assert.equal((await app.ended()).signal, 'SIGTERM');
});

test('expiring reaches a task through its signal, and its answer still counts', async (t) => {
  const app = wakeModule(
    t,
    `TaskManager.defineTask('feed', ({ executionInfo }) => new Promise((resolve) => {
       executionInfo.signal.onabort = () => resolve(BackgroundFetch.Result.NewData);
       console.log(executionInfo.remainingTime() <= 30_000, executionInfo.remainingTime() > 5000);
     }));`,
    { events: ['execute', 'expiring'] },
  );
  assert.deepEqual((await app.host.asked('finish')).params, { eventId: EVENT_ID, result: 2 });
  app.host.end();
  assert.deepEqual(await app.ended(), { code: 0, signal: null, stdout: 'true true\n', stderr: '' });
});

test('row 66: a late answer is no error: the wake ends as usual', async (t) => {
  const app = wakeModule(t, `TaskManager.defineTask('feed', () => 2);`);
  app.host.answers.finish = 'finish-answer-late';
  assert.deepEqual(await app.ended(), { code: 0, signal: null, stdout: '', stderr: '' });
});

test('row 87: without a word from the host the process ends after the grace, whatever its handles', async (t) => {
  const app = wakeModule(
    t,
    `setInterval(() => {}, 1000);
     TaskManager.defineTask('feed', () => { console.log('x'.repeat(200_000)); return 2; });`,
    { endWhenFinished: false },
  );
  const { code, stdout } = await app.ended();
  assert.deepEqual([code, stdout.length], [0, 200_001]);
});

test('row 87: a new event within the grace is run', async (t) => {
  const app = wakeModule(t, `TaskManager.defineTask('feed', () => 2);`, { endWhenFinished: false });
  await app.host.asked('finish');
  app.host.notify('execute', ({ executionInfo }) => (executionInfo.eventId = 'second'));
  assert.equal((await app.host.asked('finish')).params.eventId, 'second');
  app.host.end();
  assert.equal((await app.ended()).code, 0);
});

test('row 88: an event that is answered while another runs ends nothing', async (t) => {
  const app = wakeModule(
    t,
    `let release;
     TaskManager.defineTask('first', () => new Promise((resolve) => (release = resolve)));
     TaskManager.defineTask('second', async () => { await BackgroundFetch.getStatusAsync(); setTimeout(() => release(2), 700); return 1; });`,
    {
      events: ['execute', 'execute'],
      change: ({ executionInfo }, index) => {
        const taskName = ['first', 'second'][index];
        Object.assign(executionInfo, { taskName, eventId: taskName });
      },
    },
  );
  assert.equal((await app.host.asked('finish')).params.eventId, 'second');
  assert.deepEqual((await app.host.asked('finish')).params, { eventId: 'first', result: 2 });
  assert.equal((await app.ended()).code, 0);
});

test('a task may ask the host while it runs, and its exit code is its own', async (t) => {
  const app = wakeModule(
    t,
    `TaskManager.defineTask('feed', async () => {
       await BackgroundFetch.setMinimumIntervalAsync(60);
       process.exitCode = 7;
       return (await TaskManager.getRegisteredTasksAsync()).length;
     });`,
  );
  assert.equal((await app.ended()).code, 7);
  assert.equal((await app.host.asked('finish')).params.result, 2);
});

test('a child of the app knows nothing of the wake', async (t) => {
  const app = wakeModule(
    t,
    `import { execFileSync } from 'node:child_process';
     TaskManager.defineTask('feed', () => {
       console.log(execFileSync(process.execPath, ['-p', 'process.env.BGFETCH_FD']).toString().trim());
       return 2;
     });`,
  );
  assert.equal((await app.ended()).stdout, 'undefined\n');
});

test('a host that refuses the wake is named on the console, and the process ends', async (t) => {
  const app = wakeModule(t, `TaskManager.defineTask('feed', () => 2);`);
  app.host.answers.hello = 'answer-app-id-taken';
  const { code, stderr } = await app.ended();
  assert.equal(code, 0);
  assert.match(stderr, /^bgfetch: the wake has no host: the app id `com\.example\.reader` belongs to/);
});

test('a descriptor that is no socket is named on the console, and the app runs', async (t) => {
  const script = join(appFolder(t, { 'index.mjs': `console.log('ran');` }, { installedAs: 'expo' }), 'index.mjs');
  for (const descriptor of ['nine', '99']) {
    const app = startApp(t, script, { flags: ['--require', PRELOAD], env: { BGFETCH_FD: descriptor } });
    const { code, stdout, stderr } = await app.ended();
    assert.deepEqual([code, stdout], [0, 'ran\n']);
    assert.match(stderr, new RegExp(`^bgfetch: \`BGFETCH_FD\` is \`${descriptor}\`, which is no connected socket`));
  }
});

test('the documented program of the README runs', async (t) => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, program] = /```javascript\n(import [\s\S]*?)```/.exec(readme);
  const script = join(appFolder(t, { 'index.mjs': program }, { installedAs: 'expo' }), 'index.mjs');
  const app = wakeApp(t, script, { change: ({ executionInfo }) => (executionInfo.taskName = 'feed') });
  const { code, stderr } = await app.ended();
  assert.deepEqual([code, stderr], [0, '']);
  assert.ok([1, 2].includes((await app.host.asked('finish')).params.result));
});
