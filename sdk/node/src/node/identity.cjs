'use strict';
/** Which app this process is, and how the host starts it again. */

const { existsSync, realpathSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');
const { entryOf } = require('./entry.cjs');
const { codedError } = require('./errors.cjs');

const MANIFEST_NAMES = ['app.json', 'Info.plist', 'bgfetch.toml'];

/** Names kept from the environment for a wake: what programs need to find their files, and nothing of a session. */
const KEPT = /^(PATH|HOME|LANG|LC_.*|TZ|USER|NODE_.*|XDG_.*)$/;
/** Of those, what belongs to this one process, or is a secret that no store should hold. */
const DROPPED = /^NODE_(CHANNEL_.*|UNIQUE_ID|TEST_CONTEXT|V8_COVERAGE|.*(TOKEN|SECRET|PASSWORD|AUTH).*)$/;

const INSPECTOR_FLAG = /^--(inspect|debug)/;
const INSPECTOR_FLAG_WITH_VALUE = /^--(inspect-port|debug-port|inspect-publish-uid)$/;

/** The `app` of hello for a process (`node:process`, or its likeness). */
function identity(process) {
  const program = entryScript(process);
  const manifest = process.env.BGFETCH_MANIFEST
    ? resolve(process.cwd(), process.env.BGFETCH_MANIFEST)
    : findManifest(dirname(program));
  const launch = {
    program: process.execPath,
    args: [...nodeFlags(process.execArgv), '--require', preloadPath(), program, ...process.argv.slice(2)],
    cwd: process.cwd(),
    env: keptEnvironment(process.env),
  };
  return { manifest, program, launch };
}

function preloadPath() {
  return join(__dirname, '../../preload.cjs');
}

function entryScript(process) {
  const entry = process.mainModule?.filename ?? entryOf(process);
  if (entry === undefined || !existsSync(entry)) {
    throw codedError('E_MANIFEST', 'this process has no entry script that a host could start again: run the app from a file');
  }
  return realpathSync(entry);
}

/** The manifest nearest to `start`, going up; in one folder the first of the known names. */
function findManifest(start) {
  for (let folder = start; ; folder = dirname(folder)) {
    for (const name of MANIFEST_NAMES) {
      if (existsSync(join(folder, name))) return join(folder, name);
    }
    if (folder === dirname(folder)) break;
  }
  throw codedError(
    'E_MANIFEST',
    `no manifest found: looked for \`${MANIFEST_NAMES.join('`, `')}\` in \`${start}\` and every folder above it; add ` +
      'one, or set `BGFETCH_MANIFEST` to its path',
  );
}

/** Node's own flags without those of a debugger, and without an earlier preload of ours. */
function nodeFlags(flags) {
  const kept = [];
  for (let at = 0; at < flags.length; at += 1) {
    const flag = flags[at];
    if (INSPECTOR_FLAG_WITH_VALUE.test(flag)) at += 1;
    else if (/^(-r|--require|--import)$/.test(flag) && isPreload(flags[at + 1] ?? '')) at += 1;
    else if (!INSPECTOR_FLAG.test(flag) && !isPreload(flag.replace(/^--(require|import)=/, ''))) kept.push(flag);
  }
  return kept;
}

function isPreload(value) {
  const path = value.replace(/^file:\/\//, '');
  return path === 'bgfetch/preload' || /^(.*\/)?preload\.[cm]js$/.test(path) && dirname(resolve(path)) === dirname(preloadPath());
}

function keptEnvironment(env) {
  const asked = new Set((env.BGFETCH_KEEP_ENV ?? '').split(',').map((name) => name.trim()));
  const kept = {};
  for (const name of Object.keys(env).sort()) {
    if (asked.has(name) || (KEPT.test(name) && !DROPPED.test(name))) kept[name] = env[name];
  }
  if (kept.NODE_OPTIONS !== undefined && !asked.has('NODE_OPTIONS')) {
    kept.NODE_OPTIONS = nodeFlags(kept.NODE_OPTIONS.split(/\s+/)).join(' ');
  }
  return kept;
}

module.exports = { identity, findManifest, nodeFlags, keptEnvironment };
