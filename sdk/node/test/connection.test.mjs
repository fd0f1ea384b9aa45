/**
 * The way to the host: made at the first request, made again when the host was restarted, and when there is no way the
 * program is told what to do.
 */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostAndFace, makeFace, rejection } from './support/face.mjs';
import { folder, ScriptedHost } from './support/scripted-host.mjs';

const require = createRequire(import.meta.url);
const { socketPath, PATH_BYTES_MAX } = require('../src/node/socket-path.cjs');
const { Lines, FRAME_BYTES_MAX } = require('../src/node/lines.cjs');

test('nothing is connected until something is asked', async (t) => {
  const { BackgroundFetch, TaskManager, initialised, host } = await hostAndFace(t);
  TaskManager.defineTask('feed', () => {});
  initialised();
  assert.deepEqual(host.requests, []);
  await Promise.all([BackgroundFetch.getStatusAsync(), BackgroundFetch.getStatusAsync()]);
  assert.deepEqual(host.requests.map(({ method }) => method), ['hello', 'status', 'status']);
});

test('without a host, the error names the socket and how to start one', async (t) => {
  const path = join(folder(t), 'host.sock');
  const { BackgroundFetch } = makeFace(t, { path });
  const error = await rejection(BackgroundFetch.getStatusAsync());
  assert.equal(error.code, 'E_NO_HOST');
  assert.equal(error.message, `no bgfetch host answers at \`${path}\` (ENOENT): start one with \`bgfetch host\``);
  writeFileSync(path, '');
  assert.match((await rejection(BackgroundFetch.getStatusAsync())).message, /\(ECONNREFUSED\)/);
});

test('a host that is started later is found by the next request', async (t) => {
  const { BackgroundFetch, host } = await hostAndFace(t);
  await host.stop();
  assert.equal((await rejection(BackgroundFetch.getStatusAsync())).code, 'E_NO_HOST');
  await host.start();
  assert.equal(await BackgroundFetch.getStatusAsync(), 3);
});

test('a hello that is refused rejects what was asked, and the next request tries again', async (t) => {
  const { BackgroundFetch, host } = await hostAndFace(t);
  host.answers.hello = 'answer-app-id-taken';
  const error = await rejection(BackgroundFetch.getStatusAsync());
  assert.deepEqual([error.code, error.data], ['E_APP_ID_TAKEN', { holder: '/home/you/old/index.mjs' }]);
  host.answers.hello = 'hello-node-answer';
  assert.equal(await BackgroundFetch.getStatusAsync(), 3);
});

test('an app without an identity is told so, and nothing is connected', async (t) => {
  const missing = Object.assign(new Error('no manifest found'), { code: 'E_MANIFEST' });
  const { BackgroundFetch, host } = await hostAndFace(t, {
    identity: () => {
      throw missing;
    },
  });
  assert.equal(await rejection(BackgroundFetch.getStatusAsync()), missing);
  assert.deepEqual(host.requests, []);
});

test('a request that the end of the connection leaves open is rejected', async (t) => {
  const { BackgroundFetch, host } = await hostAndFace(t);
  host.answers.status = null;
  const status = rejection(BackgroundFetch.getStatusAsync());
  await host.asked('status');
  await host.stop();
  const error = await status;
  assert.equal(error.code, 'E_DISCONNECTED');
  assert.match(error.message, /^the connection to the bgfetch host ended before `status` was answered/);
});

test('a restarted host hears hello again, with the tasks defined, and its events arrive', async (t) => {
  const { BackgroundFetch, TaskManager, initialised, host } = await hostAndFace(t);
  TaskManager.defineTask('feed', () => 2);
  await BackgroundFetch.getStatusAsync();
  initialised();
  await host.asked('hello');
  await host.asked('ready');
  await host.stop();
  await host.start();
  const { params } = await host.asked('hello');
  assert.deepEqual(params.app.defined, ['feed']);
  host.notify('execute');
  assert.equal((await host.asked('finish')).params.result, 2);
});

test('a line longer than a frame, or no JSON, ends the connection', async (t) => {
  const { BackgroundFetch, host } = await hostAndFace(t);
  for (const text of ['a'.repeat(FRAME_BYTES_MAX + 1), 'not JSON\n']) {
    host.answers.status = null;
    const status = rejection(BackgroundFetch.getStatusAsync());
    await host.asked('status');
    host.write(text);
    assert.equal((await status).code, 'E_DISCONNECTED');
    host.answers.status = 'status-answer';
    assert.equal(await BackgroundFetch.getStatusAsync(), 3);
    await host.asked('status');
  }
});

test('a message longer than a frame is refused, and the connection stays', async (t) => {
  const { BackgroundFetch, TaskManager, host } = await hostAndFace(t);
  TaskManager.defineTask('feed', () => {});
  const error = await rejection(BackgroundFetch.registerTaskAsync('feed', { text: 'a'.repeat(FRAME_BYTES_MAX) }));
  assert.equal(error.code, 'E_INVALID_PARAMS');
  assert.match(error.message, /^the message `register` is \d+ bytes long: at most 1048576 are allowed$/);
  assert.equal(await BackgroundFetch.getStatusAsync(), 3);
  assert.equal(host.requests.filter(({ method }) => method === 'hello').length, 1);
});

test('lines come whole however their bytes are cut, also within a character', () => {
  const bytes = Buffer.from('{"a":"naïve 🗞"}\n\n  \n{"b":2}\nrest');
  for (let size = 1; size <= bytes.length; size += 1) {
    const lines = new Lines();
    const found = [];
    for (let at = 0; at < bytes.length; at += size) found.push(...lines.take(bytes.subarray(at, at + size)));
    assert.deepEqual(found, ['{"a":"naïve 🗞"}', '{"b":2}']);
  }
});

test('a line of exactly a frame passes', () => {
  const line = 'a'.repeat(FRAME_BYTES_MAX);
  assert.deepEqual(new Lines().take(Buffer.from(`${line}\n`)), [line]);
  assert.throws(() => new Lines().take(Buffer.from(`${line}a`)), RangeError);
});

test('the socket is where the host puts it: the most specific variable wins', (t) => {
  const run = '/run/user/7';
  assert.equal(socketPath({ BGFETCH_SOCKET: '/s', XDG_RUNTIME_DIR: run }, 7), '/s');
  assert.equal(socketPath({ BGFETCH_SOCKET: '', XDG_RUNTIME_DIR: run }, 7), '/run/user/7/bgfetch/host.sock');
  const nobody = 4_294_967_294;
  assert.equal(socketPath({ XDG_RUNTIME_DIR: 'relative' }, nobody), `/tmp/bgfetch-${nobody}/host.sock`);
  assert.throws(() => socketPath({ BGFETCH_SOCKET: 's' }, 7), { code: 'E_NO_HOST', message: /is not absolute/ });
  const longest = `/${'a'.repeat(PATH_BYTES_MAX - 1)}`;
  assert.equal(socketPath({ BGFETCH_SOCKET: longest }, 7), longest);
  assert.throws(() => socketPath({ BGFETCH_SOCKET: `${longest}a` }, 7), { message: /at most \d+ are allowed/ });
});

test("somebody else's directory in /tmp is not this user's host", () => {
  // Number 4294967293 owns nothing here, so a directory of that name made by this test is a stranger's.
  const stranger = 4_294_967_293;
  const directory = `/tmp/bgfetch-${stranger}`;
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o700);
  try {
    assert.throws(() => socketPath({}, stranger), { code: 'E_NO_HOST', message: /somebody else made it$/ });
  } finally {
    require('node:fs').rmdirSync(directory);
  }
});

test('a socket that another user listens on is left alone', async (t) => {
  const host = await ScriptedHost.listen(t);
  const own = process.getuid();
  assert.equal(socketPath({ BGFETCH_SOCKET: host.path }, own), host.path);
  assert.throws(() => socketPath({ BGFETCH_SOCKET: host.path }, own + 1), { code: 'E_NO_HOST', message: /listens on/ });
});
