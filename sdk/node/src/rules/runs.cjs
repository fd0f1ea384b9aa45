'use strict';
/**
 * Runs: an `execute` of the host becomes one call of a task and one `finish`.
 *
 * Runs that come while tasks are still being defined wait, in order. Each event is answered once, whatever its task
 * does; `expiring` aborts the signals of its wake.
 */

const { Result, normaliseResult } = require('./results.cjs');

class Runs {
  #surroundings;
  #definitions;
  #waiting = [];
  #running = new Map();

  constructor(surroundings, definitions) {
    this.#surroundings = surroundings;
    this.#definitions = definitions;
  }

  /** An `execute` came. */
  execute(event) {
    const eventId = event.executionInfo.eventId;
    if (this.#running.has(eventId)) return;
    this.#running.set(eventId, { wake: event.executionInfo.wake, expire: () => {}, release: this.#surroundings.transport.hold() });
    this.#surroundings.onRunning?.(this.#running.size);
    if (this.#definitions.open) this.#waiting.push(event);
    else this.#run(event);
  }

  /** An `expiring` came. */
  expiring({ wake, remainingMs, reason }) {
    for (const run of this.#running.values()) {
      if (run.wake === wake) run.expire(remainingMs, reason);
    }
  }

  /** The initialisation phase is over: what waited runs, in order. */
  begin() {
    for (const event of this.#waiting.splice(0)) this.#run(event);
  }

  async #run(event) {
    const { eventId, taskName } = event.executionInfo;
    const answer = await this.#outcome(taskName, event);
    try {
      await this.#surroundings.transport.request('finish', { eventId, ...answer });
    } catch {
      // The host is gone or no longer wants it: it has recorded an outcome of its own, and the task has no use for it.
    }
    this.#running.get(eventId).release();
    this.#running.delete(eventId);
    this.#surroundings.onRunning?.(this.#running.size);
  }

  async #outcome(taskName, event) {
    const { console } = this.#surroundings;
    const task = this.#definitions.task(taskName);
    if (task === undefined) {
      console.warn(
        `TaskManager: Task "${taskName}" has been executed but looks like it is not defined. Please make sure that ` +
          '"TaskManager.defineTask" is called during initialization phase.',
      );
      return { result: null, undefinedTask: true };
    }
    try {
      const returned = await task({ data: event.data, error: event.error, executionInfo: this.#info(event.executionInfo) });
      const { result, mistaken } = normaliseResult(returned);
      if (mistaken) {
        console.warn(
          `TaskManager: Task "${taskName}" returned ${described(returned)} where a BackgroundFetch.Result was ` +
            'expected; it counts as NoData.',
        );
      }
      return { result };
    } catch (error) {
      console.error(`TaskManager: Task "${taskName}" failed:`, error);
      return { result: Result.Failed, message: described(error) };
    }
  }

  /** What the host says about the run, and two things of our own that stay out of logs and JSON. */
  #info(info) {
    const { now, bornAt, AbortController } = this.#surroundings;
    // A process started for a wake is as old as its wake; where the app already ran, the wake starts with its message.
    const startedAt = info.appState === 'background' ? bornAt() : now();
    let endsAt = startedAt + info.limitMs;
    let controller;
    let expiredBy;
    const abort = () => {
      const error = new Error(`the wake is about to end: ${expiredBy.text}`);
      controller.abort(Object.assign(error, { name: 'AbortError', code: 'E_EXPIRING', reason: expiredBy }));
    };
    this.#running.get(info.eventId).expire = (remainingMs, reason) => {
      endsAt = now() + remainingMs;
      expiredBy = reason;
      if (controller !== undefined) abort();
    };
    const signal = () => {
      if (controller === undefined) {
        controller = new (AbortController())();
        if (expiredBy !== undefined) abort();
      }
      return controller.signal;
    };
    return Object.defineProperties(
      { ...info },
      { signal: { get: signal }, remainingTime: { value: () => Math.max(0, Math.round(endsAt - now())) } },
    );
  }
}

/** A value in a few words, for a log line or the journal. */
function described(value) {
  if (value instanceof Error) return `${value.name}: ${value.message}`.slice(0, 1000);
  if (typeof value === 'string') return `'${value.slice(0, 200)}'`;
  if (typeof value === 'object' || typeof value === 'function') return `a value of type ${typeof value}`;
  return String(value);
}

module.exports = { Runs };
