'use strict';
/** Errors with a `code` for programs and a message for people. */

/** An Error with a documented code. */
function codedError(code, message, more) {
  return Object.assign(new Error(message), { code }, more);
}

/** The Error for the `error` of an answer. */
function hostError({ code: number, message, data }) {
  const { code = `E_RPC_${number}`, ...more } = data ?? {};
  return codedError(code, message, Object.keys(more).length === 0 ? undefined : { data: more });
}

module.exports = { codedError, hostError };
