/** A face of its own for a test, in this process, over a real socket to a scripted host. */

import { createRequire } from 'node:module';
import { ScriptedHost } from './scripted-host.mjs';

const require = createRequire(import.meta.url);
const { createFace } = require('../../src/rules/face.cjs');
const { Transport } = require('../../src/node/transport.cjs');

/** What the golden `hello-node` says of its app. */
export const IDENTITY = {
  manifest: '/home/you/reader/app.json',
  program: '/home/you/reader/index.mjs',
  launch: {
    program: '/usr/bin/node',
    args: ['/home/you/reader/index.mjs'],
    cwd: '/home/you/reader',
    env: { HOME: '/home/you', PATH: '/usr/bin:/bin' },
  },
};

/** A face whose console is `log`: `[level, ...arguments]` of every call. */
export function makeFace(t, host, { identity = () => IDENTITY } = {}) {
  const log = [];
  const transport = new Transport({
    client: { name: 'bgfetch-node', version: '0.1.0' },
    identity,
    socketPath: () => host.path,
  });
  t.after(() => transport.close());
  const recorded = (level) => (...args) => log.push([level, ...args]);
  const face = createFace({
    transport,
    console: { warn: recorded('warn'), error: recorded('error') },
    now: () => performance.now(),
    bornAt: () => 0,
    AbortController: () => AbortController,
  });
  return { ...face, log, transport };
}

/** A listening host and a face. */
export async function hostAndFace(t, options) {
  const host = await ScriptedHost.listen(t);
  return { host, ...makeFace(t, host, options) };
}

/** The error a promise is rejected with. */
export async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('the promise was not rejected');
}
