/** Real apps in real processes: started as a host starts them, or as a person does. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bounded, folder, ScriptedHost } from './scripted-host.mjs';

export const PACKAGE = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const PRELOAD = join(PACKAGE, 'preload.cjs');

/** A folder with those files and, if asked, the package under a name in its `node_modules`. */
export function appFolder(t, files, { installedAs, from = PACKAGE } = {}) {
  const path = folder(t);
  for (const [name, text] of Object.entries({ 'app.json': MANIFEST, ...files })) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  if (installedAs) {
    mkdirSync(join(path, 'node_modules'));
    symlinkSync(from, join(path, 'node_modules', installedAs));
  }
  return path;
}

const MANIFEST = JSON.stringify({
  expo: { ios: { bundleIdentifier: 'com.example.reader', infoPlist: { UIBackgroundModes: ['fetch'] } } },
});

/**
 * Starts a script. `wake` gives it a connected socket as a host does; `host` is the one that speaks. `launch`, as hello
 * names it, goes before the script's own command line.
 */
export function startApp(t, script, options = {}) {
  const { wake = false, host = new ScriptedHost(), flags = [], args = [], env = {}, launch } = options;
  const { BGFETCH_FD, BGFETCH_SOCKET, BGFETCH_MANIFEST, NODE_TEST_CONTEXT, ...inherited } = process.env;
  const socket = host.path ?? '/nonexistent/host.sock';
  const child = spawn(launch?.program ?? process.execPath, launch?.args ?? [...flags, script, ...args], {
    cwd: launch?.cwd ?? dirname(script),
    env: { ...(launch?.env ?? { ...inherited, BGFETCH_SOCKET: socket, ...env }), ...(wake && { BGFETCH_FD: '3' }) },
    stdio: ['ignore', 'pipe', 'pipe', ...(wake ? ['pipe'] : [])],
  });
  t.after(() => child.kill('SIGKILL'));
  if (wake) host.speak(child.stdio[3]);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (output[name] += text));
  const closed = once(child, 'close');
  return {
    host,
    output,
    child,
    /** How it ended, with all it printed. */
    async ended() {
      const [code, signal] = await bounded(closed, `the end of ${script}`);
      return { code, signal, ...output };
    },
  };
}

/** Starts a script for a wake, with the package preloaded; when it is ready, the host sends `events` (golden names). */
export function wakeApp(t, script, { events = ['execute'], change, endWhenFinished = true, ...options } = {}) {
  const app = startApp(t, script, { wake: true, flags: ['--require', PRELOAD], ...options });
  app.host.answers.hello = 'hello-wake-answer';
  let left = events.length;
  app.host.onRequest = ({ method }) => {
    if (method === 'ready') app.host.notify(events, change);
    if (method === 'finish' && (left -= 1) === 0 && endWhenFinished) app.host.end();
  };
  return app;
}
