'use strict';
/**
 * How requests reach the host: connects at the first one, says hello, and says it again to a host that was restarted.
 *
 * The socket keeps the process alive only while somebody waits for something.
 */

const net = require('node:net');
const { Connection } = require('./connection.cjs');
const { codedError } = require('./errors.cjs');

const PROTOCOL = 1;
const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 30_000;

class Transport {
  /** Called with every notification's method and params. */
  onNotification = () => {};
  /** Called when a connection has ended. */
  onEnd = () => {};

  #client;
  #identity;
  #socketPath;
  #connection;
  #greeted;
  #definedNames;
  #holds = 0;
  #retryTimer;
  #retryDelayMs = RETRY_FIRST_MS;
  #mayConnect = true;

  /**
   * `client` is `{name, version}`; `identity()` gives the `app` of hello and `socketPath()` the socket's path, both
   * asked for only when a connection is made.
   */
  constructor({ client, identity, socketPath }) {
    this.#client = client;
    this.#identity = identity;
    this.#socketPath = socketPath;
  }

  /** Speaks over the connected socket that a wake inherits. The host knows the app, and the end of it ends the wake. */
  adopt(descriptor) {
    const socket = new net.Socket({ fd: descriptor, readable: true, writable: true });
    this.#mayConnect = false;
    this.#attach(socket);
    this.#greet(this.#hello(undefined));
    this.#greeted.catch((error) => console.error('bgfetch: the wake has no host:', error.message));
  }

  /** The host's answer to `method`. */
  async request(method, params) {
    const release = this.hold();
    try {
      await this.#connected();
      return await this.#connection.send(method, params);
    } finally {
      release();
    }
  }

  /** Keeps the process alive while there is a connection, until the function it gives is called. */
  hold() {
    let held = true;
    this.#holds += 1;
    this.#keepAlive();
    return () => {
      if (!held) return;
      held = false;
      this.#holds -= 1;
      this.#keepAlive();
    };
  }

  /** Every task is defined: the host is told now, or with the next hello. */
  defined(names) {
    this.#definedNames = names;
    // Sent on the heels of hello. If that was refused, whoever waits for it says so, and this has nothing to add.
    this.#connection?.send('ready', { defined: names }).catch(() => {});
  }

  /** Ends the connection for good. */
  close() {
    this.#mayConnect = false;
    clearTimeout(this.#retryTimer);
    this.#connection?.close();
  }

  async #connected() {
    if (this.#greeted === undefined) {
      if (!this.#mayConnect) throw codedError('E_DISCONNECTED', 'the wake is over: its host takes no more requests');
      clearTimeout(this.#retryTimer);
      this.#greet(this.#connect());
    }
    await this.#greeted;
  }

  /** Remembers a hello under way; a failed one is forgotten, so that the next request tries again. */
  #greet(greeted) {
    this.#greeted = greeted;
    greeted.catch(() => {
      if (this.#greeted === greeted) this.#greeted = undefined;
    });
  }

  async #connect() {
    const identity = this.#identity();
    const path = this.#socketPath();
    const socket = net.connect({ path });
    let refusal;
    const refused = (error) => (refusal = error);
    socket.once('error', refused).once('connect', () => socket.off('error', refused));
    this.#attach(socket);
    try {
      await this.#hello(this.#definedNames ? { ...identity, defined: this.#definedNames } : identity);
    } catch (error) {
      throw refusal === undefined ? error : noHost(path, refusal);
    }
    this.#retryDelayMs = RETRY_FIRST_MS;
  }

  async #hello(app) {
    const connection = this.#connection;
    try {
      await connection.send('hello', { protocol: PROTOCOL, client: this.#client, role: 'app', app });
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  #attach(socket) {
    const connection = new Connection(socket, {
      onNotification: (method, params) => this.onNotification(method, params),
      onEnd: () => this.#ended(connection),
    });
    this.#connection = connection;
    this.#keepAlive();
  }

  #ended(connection) {
    if (connection !== this.#connection) return;
    const greeted = this.#greeted;
    this.#connection = undefined;
    this.#greeted = undefined;
    this.onEnd();
    // Only a host that once answered is waited for; a first refusal went to whoever asked.
    greeted?.then(() => this.#retryLater(), () => {});
  }

  #retryLater() {
    if (!this.#mayConnect) return;
    this.#retryTimer = setTimeout(() => {
      this.#connected().catch((error) => {
        // What the host itself refuses, it refuses again.
        if (error.code === 'E_NO_HOST' || error.code === 'E_DISCONNECTED') this.#retryLater();
      });
    }, this.#retryDelayMs);
    this.#retryTimer.unref();
    this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, RETRY_LAST_MS);
  }

  #keepAlive() {
    this.#connection?.keepAlive(this.#holds > 0);
  }
}

function noHost(path, error) {
  const hint = error.code === 'EACCES' ? 'it belongs to another user' : 'start one with `bgfetch host`';
  return codedError('E_NO_HOST', `no bgfetch host answers at \`${path}\` (${error.code}): ${hint}`, { cause: error });
}

module.exports = { Transport };
