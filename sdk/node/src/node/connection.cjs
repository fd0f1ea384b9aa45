'use strict';
/** One connection to a host: requests that wait for their answers, and notifications. */

const { codedError, hostError } = require('./errors.cjs');
const { Lines, FRAME_BYTES_MAX } = require('./lines.cjs');

class Connection {
  #socket;
  #lines = new Lines();
  #pending = new Map();
  #requests = 0;
  #failure;
  #ended = false;
  #onNotification;

  /**
   * Speaks over `socket`, which may still be connecting. `onNotification(method, params)` is called in the order of
   * the messages, and `onEnd()` once, when the connection is over and every request still waiting is rejected.
   */
  constructor(socket, { onNotification, onEnd }) {
    this.#socket = socket;
    this.#onNotification = onNotification;
    socket.on('data', (chunk) => this.#hear(chunk));
    socket.on('error', (error) => (this.#failure = error));
    socket.on('close', () => {
      this.#ended = true;
      for (const { method, reject } of this.#pending.values()) reject(this.#disconnected(method));
      this.#pending.clear();
      onEnd();
    });
  }

  /** Asks the host; the answer's result, or an Error with the answer's code. */
  send(method, params) {
    const id = (this.#requests += 1);
    const line = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    const bytes = Buffer.byteLength(line);
    if (bytes > FRAME_BYTES_MAX) {
      const message = `the message \`${method}\` is ${bytes} bytes long: at most ${FRAME_BYTES_MAX} are allowed`;
      return Promise.reject(codedError('E_INVALID_PARAMS', message));
    }
    if (this.#ended) return Promise.reject(this.#disconnected(method));
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { method, resolve, reject });
      this.#socket.write(`${line}\n`);
    });
  }

  /** Whether the connection alone keeps the process running. */
  keepAlive(wanted) {
    if (wanted) this.#socket.ref();
    else this.#socket.unref();
  }

  /** Ends it. */
  close() {
    this.#socket.destroy();
  }

  #hear(chunk) {
    let messages;
    try {
      messages = this.#lines.take(chunk).map((line) => JSON.parse(line));
    } catch (error) {
      // What follows a line that is no message cannot be trusted; a new connection starts clean.
      this.#socket.destroy(error);
      return;
    }
    for (const message of messages) this.#dispatch(message);
  }

  #dispatch({ id, method, params, result, error }) {
    if (method !== undefined) {
      if (id === undefined) this.#onNotification(method, params ?? {});
      return;
    }
    const waiting = this.#pending.get(id);
    if (waiting === undefined) return;
    this.#pending.delete(id);
    if (error === undefined) waiting.resolve(result);
    else waiting.reject(hostError(error));
  }

  #disconnected(method) {
    const cause = this.#failure;
    const why = cause === undefined ? '' : ` (${cause.message})`;
    return codedError(
      'E_DISCONNECTED',
      `the connection to the bgfetch host ended before \`${method}\` was answered${why}: it may or may not have been done`,
      cause && { cause },
    );
  }
}

module.exports = { Connection };
