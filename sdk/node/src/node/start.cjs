'use strict';
/** The one face of this process, whichever copies of the package it loads. */

const { createFace } = require('../rules/face.cjs');
const { whenEntrySettled } = require('./entry.cjs');
const { Transport } = require('./transport.cjs');
const { version } = require('../../package.json');

/** Two copies (one preloaded, one under the name `expo`) must share one set of definitions. */
const FACE = Symbol.for('bgfetch.face.1');

/** The face, made at the first call. */
function start() {
  return (globalThis[FACE] ??= create());
}

function create() {
  const transport = new Transport({
    client: { name: 'bgfetch-node', version },
    identity: () => require('./identity.cjs').identity(process),
    socketPath: () => require('./socket-path.cjs').socketPath(process.env, process.getuid()),
  });
  const surroundings = {
    transport,
    console,
    now: () => performance.now(),
    bornAt: () => 0,
    AbortController: () => AbortController,
  };
  const face = createFace(surroundings);
  joinWake(transport, surroundings);
  whenEntrySettled(process, () => face.initialised());
  return face;
}

/** If the host started this process, speaks over the socket that it left open. */
function joinWake(transport, surroundings) {
  const text = process.env.BGFETCH_FD;
  if (!text) return;
  // A child of this process has neither the socket nor the wake.
  delete process.env.BGFETCH_FD;
  try {
    transport.adopt(Number(text));
  } catch (error) {
    console.error(`bgfetch: \`BGFETCH_FD\` is \`${text}\`, which is no connected socket:`, error.message);
    return;
  }
  surroundings.onRunning = require('./wake.cjs').endWithWake(process, transport);
}

module.exports = { start };
