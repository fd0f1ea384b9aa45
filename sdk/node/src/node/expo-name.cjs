'use strict';
/** Makes `expo` mean this package where the app has no package of that name. */

const { existsSync, realpathSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');

const INDEX = join(__dirname, '../index.cjs');

/** Installs the hooks if no `node_modules/expo` is in the folder of the script `entry` or above it. */
function nameExpo(entry) {
  if (entry === undefined || hasExpo(dirname(realPath(resolve(entry))))) return;
  const module = require('node:module');
  if (module.registerHooks !== undefined) nameInThread(module);
  // The thread that asks the hooks preloads this file as well.
  else if (require('node:worker_threads').isMainThread) nameFromAnotherThread(module);
}

function nameInThread(module) {
  const { pathToFileURL } = require('node:url');
  const required = pathToFileURL(INDEX).href;
  const imported = pathToFileURL(INDEX.replace(/\.cjs$/, '.mjs')).href;
  module.registerHooks({
    resolve(specifier, context, nextResolve) {
      if (specifier !== 'expo') return nextResolve(specifier, context);
      const isRequired = context.conditions.includes('require');
      return {
        url: isRequired ? required : imported,
        format: isRequired ? 'commonjs' : 'module',
        shortCircuit: true,
      };
    },
  });
}

/**
 * Before `registerHooks`, ES modules could be renamed from another thread only. That costs a wake about as long as
 * Node's own start; installing the package under the name `expo` saves it.
 */
function nameFromAnotherThread(module) {
  const resolveFilename = module._resolveFilename;
  module._resolveFilename = function (request, ...rest) {
    return request === 'expo' ? INDEX : resolveFilename.call(this, request, ...rest);
  };
  module.register(require('node:url').pathToFileURL(join(__dirname, 'expo-name-hook.mjs')));
}

function hasExpo(start) {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules/expo/package.json'))) return true;
    if (folder === dirname(folder)) return false;
  }
}

function realPath(path) {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

module.exports = { nameExpo };
