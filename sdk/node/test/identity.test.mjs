/** Which app a process is, and the command line with which a host starts it again. */

import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { PRELOAD } from './support/processes.mjs';
import { folder } from './support/scripted-host.mjs';

const require = createRequire(import.meta.url);
const { identity } = require('../src/node/identity.cjs');

/** A process that runs `index.mjs` in a new folder, which also holds the files `names`. */
function processIn(t, names = ['app.json'], more = {}) {
  const root = realpathSync(folder(t));
  for (const name of ['app/src/index.mjs', ...names]) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), '');
  }
  const program = join(root, 'app/src/index.mjs');
  return {
    root,
    process: {
      argv: ['/usr/bin/node', program, '--verbose', 'a b'],
      execPath: '/usr/bin/node',
      execArgv: [],
      env: { PATH: '/bin' },
      cwd: () => root,
      ...more,
    },
  };
}

test('the manifest is the nearest one above the entry script; in one folder app.json goes first', (t) => {
  for (const [names, found] of [
    [['app/app.json', 'app/Info.plist', 'app/bgfetch.toml'], 'app/app.json'],
    [['app/Info.plist', 'app/bgfetch.toml'], 'app/Info.plist'],
    [['app.json', 'app/src/bgfetch.toml'], 'app/src/bgfetch.toml'],
    [['app.json'], 'app.json'],
  ]) {
    const { root, process } = processIn(t, names);
    assert.equal(identity(process).manifest, join(root, found));
  }
});

test('`BGFETCH_MANIFEST` says where the manifest is', (t) => {
  const { root, process } = processIn(t, [], { env: { BGFETCH_MANIFEST: 'elsewhere/app.json' } });
  assert.equal(identity(process).manifest, join(root, 'elsewhere/app.json'));
});

test('without a manifest the error says where was looked', (t) => {
  const { root, process } = processIn(t, []);
  assert.throws(() => identity(process), {
    code: 'E_MANIFEST',
    message:
      `no manifest found: looked for \`app.json\`, \`Info.plist\`, \`bgfetch.toml\` in \`${root}/app/src\` and every ` +
      'folder above it; add one, or set `BGFETCH_MANIFEST` to its path',
  });
});

test('a process without an entry script cannot be started again', (t) => {
  const { process } = processIn(t, ['app.json'], { argv: ['/usr/bin/node'] });
  assert.throws(() => identity(process), { code: 'E_MANIFEST', message: /no entry script/ });
});

test('a file that is only an argument is not the app', (t) => {
  for (const more of [{ execArgv: ['-e', '1'] }, { execArgv: ['-p', '1'] }, { _eval: '1' }]) {
    const { process } = processIn(t, ['app.json'], more);
    assert.throws(() => identity(process), { code: 'E_MANIFEST', message: /no entry script/ });
  }
});

test('the app is started with its own arguments, without a debugger, with the SDK preloaded once', (t) => {
  const execArgv = ['--inspect-brk=9229', '--inspect-port', '0', '--max-old-space-size=64', '-r', PRELOAD];
  execArgv.push('--import', 'bgfetch/preload', `--require=${PRELOAD}`, '--import', './other/preload.mjs');
  const { root, process } = processIn(t, ['app.json'], { execArgv });
  const program = join(root, 'app/src/index.mjs');
  assert.deepEqual(identity(process).launch, {
    program: '/usr/bin/node',
    args: ['--max-old-space-size=64', '--import', './other/preload.mjs', '--require', PRELOAD, program, '--verbose', 'a b'],
    cwd: root,
    env: { PATH: '/bin' },
  });
  assert.equal(identity(process).program, program);
});

test('of the environment a wake keeps what programs need, what was asked for, and no secrets', (t) => {
  const kept = {
    HOME: '/home/you',
    LANG: 'C.UTF-8',
    LC_TIME: 'de_DE',
    NODE_ENV: 'production',
    NODE_OPTIONS: '--max-old-space-size=64',
    PATH: '/bin',
    TZ: 'UTC',
    USER: 'you',
    XDG_CONFIG_HOME: '/c',
    FEED_URL: 'http://localhost',
    NODE_ASKED_TOKEN: 't',
  };
  const env = {
    ...kept,
    NODE_OPTIONS: '--inspect --max-old-space-size=64',
    NODE_AUTH_TOKEN: 'secret',
    NODE_CHANNEL_FD: '4',
    NODE_TEST_CONTEXT: 'child-v8',
    SSH_AUTH_SOCK: '/s',
    TERM: 'xterm',
    BGFETCH_SOCKET: '/s',
    BGFETCH_KEEP_ENV: 'FEED_URL, NODE_ASKED_TOKEN,NOT_SET',
  };
  const { process } = processIn(t, ['app.json'], { env });
  assert.deepEqual(identity(process).launch.env, kept);
});
