/**
 * How much a wake adds to Node's own start: from the start of the process to the first line of the task's code,
 * against the whole run of `node empty.mjs`. Ratios of medians in one interleaved run: `node bench/wake-overhead.mjs [runs]`.
 *
 * The host's side is played here: it answers at once, so what is measured is the SDK.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RUNS = Number(process.argv[2] ?? 31);
const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const TASK = `TaskManager.defineTask('feed', () => { writeSync(1, 'T'); return BackgroundFetch.Result.NewData; });\n`;
const MODULE = `import { writeSync } from 'node:fs';\nimport { BackgroundFetch, TaskManager } from 'expo';\n${TASK}`;
const COMMON_JS =
  `const { writeSync } = require('node:fs');\nconst { BackgroundFetch, TaskManager } = require('expo');\n${TASK}`;

const INFO = {
  eventId: 'e',
  taskName: 'feed',
  appState: 'background',
  wake: 1,
  missed: 0,
  reason: { code: 'due', text: 'due' },
  limitMs: 30_000,
  simulated: false,
};

/** Milliseconds that `node empty.mjs` takes. */
async function emptyMs(folder) {
  const startedAt = performance.now();
  await once(spawn(process.execPath, [join(folder, 'empty.mjs')], { stdio: 'ignore' }), 'exit');
  return performance.now() - startedAt;
}

/** Milliseconds from the start of a wake to the task's first line. */
async function wakeMs(script) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--require', join(PACKAGE, 'preload.cjs'), script], {
    env: { ...process.env, BGFETCH_FD: '3' },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  const host = child.stdio[3];
  const send = (message) => host.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  let held = '';
  host.setEncoding('utf8').on('data', (text) => {
    const lines = (held + text).split('\n');
    held = lines.pop();
    for (const { id, method } of lines.map((line) => JSON.parse(line))) {
      send({ id, result: {} });
      if (method === 'ready') send({ method: 'execute', params: { data: {}, error: null, executionInfo: INFO } });
      if (method === 'finish') host.end();
    }
  });
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  const ms = performance.now() - startedAt;
  await exited;
  return ms;
}

const root = mkdtempSync(join(tmpdir(), 'bgfetch-bench-'));
try {
  for (const name of ['installed', 'renamed']) {
    mkdirSync(join(root, name));
    writeFileSync(join(root, name, 'index.mjs'), MODULE);
    writeFileSync(join(root, name, 'index.cjs'), COMMON_JS);
  }
  writeFileSync(join(root, 'empty.mjs'), '');
  mkdirSync(join(root, 'installed/node_modules'));
  symlinkSync(PACKAGE, join(root, 'installed/node_modules/expo'));

  const cases = {
    'node empty.mjs': () => emptyMs(root),
    'ES module, expo installed': () => wakeMs(join(root, 'installed/index.mjs')),
    'CommonJS, expo installed': () => wakeMs(join(root, 'installed/index.cjs')),
    'ES module, nothing installed': () => wakeMs(join(root, 'renamed/index.mjs')),
    'CommonJS, nothing installed': () => wakeMs(join(root, 'renamed/index.cjs')),
  };
  const measured = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  for (let run = 0; run < RUNS; run += 1) {
    for (const [name, measure] of Object.entries(cases)) measured[name].push(await measure());
  }
  const median = (all) => all.toSorted((one, other) => one - other)[all.length >> 1];
  const base = median(measured['node empty.mjs']);
  console.log(`node ${process.version}, ${RUNS} runs each, medians`);
  for (const [name, all] of Object.entries(measured)) {
    console.log(`${name.padEnd(30)} ${median(all).toFixed(1).padStart(7)} ms  ${(median(all) / base).toFixed(2)} x`);
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
