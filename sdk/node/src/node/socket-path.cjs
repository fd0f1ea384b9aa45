'use strict';
/** Where the host's socket is: the same rule as the host's own. */

const { lstatSync } = require('node:fs');
const { dirname, isAbsolute, join } = require('node:path');
const { codedError } = require('./errors.cjs');

/** The kernel's field for a socket's path, less its closing zero. */
const PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103;

/** `$BGFETCH_SOCKET`, else `$XDG_RUNTIME_DIR/bgfetch/host.sock`, else `/tmp/bgfetch-UID/host.sock`. */
function socketPath(env, userId) {
  const path = chosenPath(env, userId);
  const bytes = Buffer.byteLength(path);
  if (bytes > PATH_BYTES_MAX) {
    throw codedError(
      'E_NO_HOST',
      `the socket path \`${path}\` is ${bytes} bytes long: at most ${PATH_BYTES_MAX} are allowed; set ` +
        '`BGFETCH_SOCKET` to a shorter one',
    );
  }
  return path;
}

function chosenPath(env, userId) {
  if (env.BGFETCH_SOCKET) {
    if (isAbsolute(env.BGFETCH_SOCKET)) {
      refuseForeignSocket(env.BGFETCH_SOCKET, userId);
      return env.BGFETCH_SOCKET;
    }
    throw codedError(
      'E_NO_HOST',
      `\`BGFETCH_SOCKET\` is \`${env.BGFETCH_SOCKET}\`, which is not absolute: expected a form like ` +
        '`/run/user/1000/my.sock`',
    );
  }
  if (env.XDG_RUNTIME_DIR && isAbsolute(env.XDG_RUNTIME_DIR)) return join(env.XDG_RUNTIME_DIR, 'bgfetch/host.sock');
  const path = `/tmp/bgfetch-${userId}/host.sock`;
  refuseForeignDirectory(dirname(path), userId);
  return path;
}

/** Anybody may make a directory in /tmp; only one that is this user's holds this user's host. */
function refuseForeignDirectory(directory, userId) {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined || (found.isDirectory() && found.uid === userId)) return;
  throw codedError('E_NO_HOST', `\`${directory}\` is not a directory of user ${userId}: somebody else made it`);
}

/** A socket belongs to whoever listens on it. One that is not there is for the connection to tell. */
function refuseForeignSocket(path, userId) {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || !found.isSocket() || found.uid === userId) return;
  throw codedError('E_NO_HOST', `user ${found.uid} listens on \`${path}\`, and not this user (${userId})`);
}

module.exports = { socketPath, PATH_BYTES_MAX };
