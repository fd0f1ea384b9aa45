/**
 * A host that says what a test tells it to, in the golden lines of `fixtures/wire`, over a real Unix socket.
 *
 * Waiting is for events, with a bound: `await host.asked('finish')`.
 */

import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BOUND_MS = 20_000;
const FIXTURES = new URL('../../../../fixtures/wire/', import.meta.url);

/** Every golden message by name. */
export const GOLDEN = Object.fromEntries(
  readdirSync(FIXTURES)
    .map((file) => JSON.parse(readFileSync(new URL(file, FIXTURES))))
    .map((golden) => [golden.name, golden]),
);

/** The golden answers a host gives when all is well, by method. */
const USUAL_ANSWERS = {
  hello: 'hello-node-answer',
  ready: 'ready-answer',
  register: 'register-answer',
  unregister: 'unregister-answer',
  unregisterAll: 'unregister-all-answer',
  tasks: 'tasks-answer',
  setMinimumInterval: 'set-minimum-interval-answer',
  status: 'status-answer',
  finish: 'finish-answer',
  opened: 'opened-answer',
};

/** Fails instead of waiting for ever. */
export function bounded(promise, what) {
  let timer;
  const bound = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${BOUND_MS} ms for ${what}`)), BOUND_MS);
  });
  return Promise.race([promise, bound]).finally(() => clearTimeout(timer));
}

/** A temporary folder that goes with the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'bgfetch-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export class ScriptedHost {
  /** Every request heard, oldest first. */
  requests = [];
  /** The golden answer's name by method; set a member to change it, to null to give no answer. */
  answers = { ...USUAL_ANSWERS };
  /** Called with each request after its answer. */
  onRequest = () => {};

  #waiting = [];
  #taken = new Map();
  #streams = new Set();
  #server;

  /** A host that listens in a folder of its own. */
  static async listen(t) {
    const host = new ScriptedHost();
    host.path = join(folder(t), 'host.sock');
    await host.start();
    t.after(() => host.stop());
    return host;
  }

  async start() {
    this.#server = net.createServer((stream) => this.speak(stream));
    this.#server.listen(this.path);
    await once(this.#server, 'listening');
  }

  /** Ends every connection and stops listening. */
  async stop() {
    for (const stream of this.#streams) stream.destroy();
    if (!this.#server?.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Speaks over one connected stream. */
  speak(stream) {
    this.#streams.add(stream);
    stream.on('close', () => this.#streams.delete(stream));
    stream.on('error', () => {});
    let held = '';
    stream.setEncoding('utf8').on('data', (text) => {
      const lines = (held + text).split('\n');
      held = lines.pop();
      for (const line of lines) this.#hear(stream, JSON.parse(line));
    });
  }

  /** The next request of that method that no test has taken yet. */
  asked(method) {
    const taken = this.#taken.get(method) ?? 0;
    this.#taken.set(method, taken + 1);
    const found = () => this.requests.filter((request) => request.method === method)[taken];
    if (found()) return Promise.resolve(found());
    return bounded(new Promise((resolve) => this.#waiting.push({ found, resolve })), `a \`${method}\``);
  }

  /** Sends golden notifications to every connection, in one write; `change` edits each one's params first. */
  notify(names, change = () => {}) {
    const lines = [names].flat().map((name, index) => {
      const message = JSON.parse(GOLDEN[name].line);
      change(message.params, index);
      return `${JSON.stringify(message)}\n`;
    });
    this.write(lines.join(''));
  }

  /** Sends text as it is. */
  write(text) {
    for (const stream of this.#streams) stream.write(text);
  }

  /** Ends the host's side of every connection. */
  end() {
    for (const stream of this.#streams) stream.end();
  }

  #hear(stream, request) {
    this.requests.push(request);
    const name = this.answers[request.method];
    if (name) {
      const answer = JSON.parse(GOLDEN[name].line);
      stream.write(`${JSON.stringify({ ...answer, id: request.id })}\n`);
    }
    this.#waiting = this.#waiting.filter(({ found, resolve }) => {
      const wanted = found();
      if (wanted) resolve(wanted);
      return !wanted;
    });
    this.onRequest(request);
  }
}
