/**
 * One program, every way to start it: as an ES module and as CommonJS, with the package installed under the name `expo`,
 * through the small package of that name, and with nothing installed at all. Each is a real process in a wake, and each
 * must run the documented program's shape unmodified.
 */

import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { appFolder, PACKAGE, PRELOAD, startApp, wakeApp } from './support/processes.mjs';
import { ScriptedHost } from './support/scripted-host.mjs';

const MODULE = `
import { BackgroundFetch, TaskManager } from 'expo';
console.log('evaluated');
TaskManager.defineTask('feed', () => {
  try {
    return BackgroundFetch.Result.NewData;
  } catch (error) {
    return BackgroundFetch.Result.Failed;
  }
});
`;

const COMMON_JS = `
const { BackgroundFetch, TaskManager } = require('expo');
console.log('evaluated', require.main === module);
TaskManager.defineTask('feed', () => BackgroundFetch.Result.NewData);
`;

const INSTALLATIONS = {
  'installed as expo': { installedAs: 'expo' },
  'through the package expo': { installedAs: 'expo', from: join(PACKAGE, 'expo') },
  'with nothing installed': {},
};

const PRELOADS = {
  '--require': ['--require', PRELOAD],
  '--import': ['--import', PRELOAD.replace(/\.cjs$/, '.mjs')],
};

for (const [how, installation] of Object.entries(INSTALLATIONS)) {
  for (const [flag, flags] of Object.entries(PRELOADS)) {
    for (const [name, source, printed] of [
      ['index.mjs', MODULE, 'evaluated\n'],
      ['index.cjs', COMMON_JS, 'evaluated true\n'],
      ['index.js', COMMON_JS, 'evaluated true\n'],
    ]) {
      test(`${name}, ${how}, preloaded with ${flag}`, async (t) => {
        const app = wakeApp(t, join(appFolder(t, { [name]: source }, installation), name), { flags });
        assert.deepEqual(await app.ended(), { code: 0, signal: null, stdout: printed, stderr: '' });
        assert.equal((await app.host.asked('finish')).params.result, 2);
      });
    }
  }
}

for (const [flag, flags] of Object.entries(PRELOADS)) {
  test(`index.js in a package of ES modules, preloaded with ${flag}`, async (t) => {
    const source = `await new Promise((resolve) => setTimeout(resolve, 50));\n${MODULE}`;
    const path = appFolder(t, { 'index.js': source, 'package.json': '{ "type": "module" }' }, { installedAs: 'expo' });
    const app = wakeApp(t, join(path, 'index.js'), { flags });
    assert.equal((await app.ended()).stdout, 'evaluated\n');
    assert.deepEqual((await app.host.asked('ready')).params, { defined: ['feed'] });
  });
}

test('without a preload, a wake joins when the package is first loaded', async (t) => {
  const script = join(appFolder(t, { 'index.mjs': MODULE }, { installedAs: 'expo' }), 'index.mjs');
  const app = wakeApp(t, script, { flags: [] });
  assert.equal((await app.ended()).code, 0);
  assert.deepEqual((await app.host.asked('ready')).params, { defined: ['feed'] });
});

test('two copies of the package share their definitions', async (t) => {
  const source = `
    import { TaskManager } from 'expo';
    import * as copy from './copy/index.mjs';
    import { createRequire } from 'node:module';
    TaskManager.defineTask('feed', () => 2);
    console.log(copy.TaskManager.isTaskDefined('feed'), copy.TaskManager === TaskManager);
    console.log(createRequire(import.meta.url)('expo').TaskManager === TaskManager);
  `;
  const path = appFolder(t, { 'index.mjs': source }, { installedAs: 'expo' });
  cpSync(join(PACKAGE, 'src'), join(path, 'copy'), { recursive: true });
  cpSync(join(PACKAGE, 'package.json'), join(path, 'package.json'));
  const app = wakeApp(t, join(path, 'index.mjs'));
  assert.equal((await app.ended()).stdout, 'true true\ntrue\n');
});

test('in the foreground a script registers, sets its interval, and ends by itself', async (t) => {
  const host = await ScriptedHost.listen(t);
  const source = `${MODULE}
    await BackgroundFetch.registerTaskAsync('feed');
    await BackgroundFetch.setMinimumIntervalAsync(900);
  `;
  const script = join(appFolder(t, { 'index.mjs': source }, { installedAs: 'expo' }), 'index.mjs');
  const app = startApp(t, script, { host });
  assert.deepEqual(await app.ended(), { code: 0, signal: null, stdout: 'evaluated\n', stderr: '' });
  const [hello, register, interval] = host.requests;
  const { launch, manifest, program } = hello.params.app;
  assert.deepEqual([manifest, program], [script.replace(/index\.mjs$/, 'app.json'), script]);
  assert.deepEqual(launch.args, ['--require', PRELOAD, script]);
  assert.deepEqual([register.method, interval.method], ['register', 'setMinimumInterval']);
});

test('the launch that hello names starts the same app for a wake', async (t) => {
  const host = await ScriptedHost.listen(t);
  const source = `${MODULE} if (process.argv[2] === 'register') await BackgroundFetch.registerTaskAsync('feed');`;
  const script = join(appFolder(t, { 'index.mjs': source }), 'index.mjs');
  const started = startApp(t, script, { host, flags: PRELOADS['--import'], args: ['register'] });
  assert.equal((await started.ended()).code, 0);

  const { launch } = (await host.asked('hello')).params.app;
  assert.deepEqual(launch.args, ['--require', PRELOAD, script, 'register']);
  const woken = wakeApp(t, script, { launch, host: new ScriptedHost() });
  assert.deepEqual(await woken.ended(), { code: 0, signal: null, stdout: 'evaluated\n', stderr: '' });
  assert.deepEqual(woken.host.requests.map(({ method }) => method), ['hello', 'register', 'ready', 'finish']);
});

test('an app that stays alive is called where it is', async (t) => {
  const host = await ScriptedHost.listen(t);
  const source = `
    import { BackgroundFetch, TaskManager } from 'expo';
    TaskManager.defineTask('feed', ({ executionInfo }) => { console.log(executionInfo.appState); return 2; });
    await BackgroundFetch.registerTaskAsync('feed');
    setInterval(() => {}, 1000);
  `;
  const script = join(appFolder(t, { 'index.mjs': source }, { installedAs: 'expo' }), 'index.mjs');
  const app = startApp(t, script, { host });
  await host.asked('ready');
  host.notify('execute-active-simulated');
  assert.equal((await host.asked('finish')).params.result, 2);
  assert.equal(app.child.exitCode, null);
  app.child.kill('SIGTERM');
  assert.equal((await app.ended()).stdout, 'active\n');
});

test('a program that catches nothing learns that no host runs', async (t) => {
  const source = `${MODULE} await BackgroundFetch.registerTaskAsync('feed');`;
  const script = join(appFolder(t, { 'index.mjs': source }, { installedAs: 'expo' }), 'index.mjs');
  const { code, stderr } = await startApp(t, script).ended();
  assert.equal(code, 1);
  assert.match(stderr, /Error: no bgfetch host answers at `\/nonexistent\/host\.sock` \(ENOENT\): start one with `bgfetch host`/);
});
