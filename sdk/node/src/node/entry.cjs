'use strict';
/**
 * When the program's initialisation is over: the first turn after its entry module has settled, top-level `await`
 * included.
 *
 * A CommonJS entry has settled when `process.mainModule` is loaded. For an ES module Node says nothing, but a second
 * import of one that is running ends when it has settled. It must be running, or the import itself would start it.
 */

const { existsSync, readFileSync } = require('node:fs');
const { dirname, extname, join } = require('node:path');

/** The longest an entry module may take to settle before its tasks are called all the same, in milliseconds. */
const SETTLE_MS_MAX = 10_000;

/** How long an entry that may be CommonJS has to show itself as such, in milliseconds, and how often that is looked at. */
const SHOW_MS_MAX = 2000;
const LOOK_MS = 5;

/** Flags under which an import of the entry could be another module than the one that runs. */
const ANOTHER_MODULE = /--(experimental-)?loader\b|--preserve-symlinks/;

/** Flags under which Node runs no file as this process's own: the first word behind them is an argument like others. */
const NO_ENTRY = /^(-e|-p|-pe|--eval|--print|-c|--check|--test)(=|$)/;

/** The file that this process was started to run, as it was named; undefined where a text or nothing is run. */
function entryOf(process) {
  // A text from standard input is known as such only once it was read: its name is `-`, or there is none.
  if (process._eval !== undefined || process.argv[1] === '-') return undefined;
  if (process.execArgv.some((flag) => NO_ENTRY.test(flag))) return undefined;
  return process.argv[1];
}

/** Calls `ended` once. */
function whenEntrySettled(process, ended) {
  const entry = entryOf(process);
  setImmediate(() => {
    const path = watchedEntry(process, entry);
    if (path === undefined) {
      ended();
      return;
    }
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      clearTimeout(bound);
      setImmediate(ended);
    };
    const bound = setTimeout(end, SETTLE_MS_MAX);
    bound.unref();
    whenRunning(process, path, end, () => {
      // Node reports an entry that fails, and ends the process; a program that lives on has until the bound.
      import(require('node:url').pathToFileURL(path).href).then(end, () => {});
    });
  });
}

/** The path of an entry that is worth waiting for; undefined for one that has run, and where there is none. */
function watchedEntry(process, entry) {
  if (process.mainModule !== undefined || entry === undefined) return undefined;
  if (ANOTHER_MODULE.test(flags(process))) return undefined;
  // In a worker `argv` still names the entry of the main thread, which has no business here.
  if (!require('node:worker_threads').isMainThread) return undefined;
  try {
    return require.resolve(entry);
  } catch {
    return undefined;
  }
}

/**
 * Calls `isModule` when the entry is an ES module that runs, or `isLoaded` when it was CommonJS.
 *
 * By the first turn every entry has begun, except where `--import` brought hooks that live in another thread: then
 * one that may be CommonJS is given time.
 */
function whenRunning(process, path, isLoaded, isModule) {
  if (isSurelyModule(path) || !/--import\b/.test(flags(process))) {
    isModule();
    return;
  }
  let looksLeft = SHOW_MS_MAX / LOOK_MS;
  const look = setInterval(() => {
    looksLeft -= 1;
    if (process.mainModule === undefined && looksLeft > 0) return;
    clearInterval(look);
    if (process.mainModule === undefined) isModule();
    else isLoaded();
  }, LOOK_MS);
  look.unref();
}

/** Whether Node takes the file for an ES module by its name or its package, before reading it. */
function isSurelyModule(path) {
  if (/^\.m[jt]s$/.test(extname(path))) return true;
  if (!/^\.[jt]sx?$/.test(extname(path))) return false;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) return /"type"\s*:\s*"module"/.test(readFileSync(manifest, 'utf8'));
    if (folder === dirname(folder)) return false;
  }
}

function flags(process) {
  return `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS ?? ''}`;
}

module.exports = { entryOf, whenEntrySettled };
