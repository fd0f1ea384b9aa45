'use strict';
/**
 * The three objects a program sees, over whatever carries their requests.
 *
 * `createFace(surroundings)` takes
 *
 * - `transport.request(method, params)`: a promise of the host's answer, rejected with an Error that has a `code`;
 * - `transport.hold()`: keeps the process alive until the function it returns is called;
 * - `transport.defined(names)`: told once, when every task is defined;
 * - `transport.onNotification`: set here, to be called as `(method, params)`;
 * - `console`; `now()` and `bornAt()` in milliseconds on one line that never goes back; `AbortController()`, which
 *   gives the class when it is first needed;
 * - `onRunning(count)`, optional: told how many runs are under way when that changes.
 */

const { Definitions } = require('./definitions.cjs');
const { Result, Status } = require('./results.cjs');
const { Runs } = require('./runs.cjs');

const TASK_TYPE = 'backgroundFetch';

function createFace(surroundings) {
  const { transport } = surroundings;
  const definitions = new Definitions(surroundings.console);
  const runs = new Runs(surroundings, definitions);
  const statusListeners = new Set();

  transport.onNotification = (method, params) => {
    if (method === 'execute') runs.execute(params);
    else if (method === 'expiring') runs.expiring(params);
    else if (method === 'statusChanged') for (const listener of statusListeners) queueMicrotask(() => listener(params));
  };

  return {
    BackgroundFetch: backgroundFetch(transport, definitions),
    TaskManager: taskManager(transport, definitions),
    bgfetch: additions(transport, statusListeners),
    /** Ends the initialisation phase, once. */
    initialised() {
      if (!definitions.open) return;
      definitions.close();
      transport.defined(definitions.names());
      runs.begin();
    },
  };
}

function backgroundFetch(transport, definitions) {
  return {
    Result,
    Status,
    BackgroundFetchResult: Result,
    BackgroundFetchStatus: Status,

    async getStatusAsync() {
      return (await transport.request('status', {})).status;
    },

    async setMinimumIntervalAsync(minimumInterval) {
      await setMinimumInterval(transport, minimumInterval);
    },

    async registerTaskAsync(taskName, options) {
      if (!definitions.has(taskName)) {
        throw new Error(
          `Task '${taskName}' is not defined. You must define a task using TaskManager.defineTask before registering.`,
        );
      }
      await transport.request('register', { task: taskName, type: TASK_TYPE, options: options ?? {} });
    },

    async unregisterTaskAsync(taskName) {
      requireTaskName(taskName);
      await transport.request('unregister', { task: taskName, type: TASK_TYPE });
    },
  };
}

function taskManager(transport, definitions) {
  const registered = () => transport.request('tasks', {});
  return {
    defineTask(taskName, task) {
      definitions.define(taskName, task);
    },

    isTaskDefined(taskName) {
      return definitions.has(taskName);
    },

    async isTaskRegisteredAsync(taskName) {
      requireTaskName(taskName);
      return (await registered()).some((task) => task.taskName === taskName);
    },

    async getTaskOptionsAsync(taskName) {
      requireTaskName(taskName);
      return (await registered()).find((task) => task.taskName === taskName)?.options ?? null;
    },

    async getRegisteredTasksAsync() {
      return registered();
    },

    async unregisterTaskAsync(taskName) {
      requireTaskName(taskName);
      await transport.request('unregister', { task: taskName });
    },

    async unregisterAllTasksAsync() {
      await transport.request('unregisterAll', {});
    },
  };
}

/** What goes beyond the Expo face. */
function additions(transport, statusListeners) {
  return {
    async setMinimumInterval(minimumInterval) {
      return setMinimumInterval(transport, minimumInterval);
    },

    async status() {
      const { status, reason } = await transport.request('status', {});
      return { status, reason };
    },

    async opened() {
      await transport.request('opened', {});
    },

    async onStatusChange(listener) {
      if (typeof listener !== 'function') throw new TypeError('`listener` must be a function.');
      statusListeners.add(listener);
      try {
        // Asking also connects: without a connection no change would be heard.
        await transport.request('status', {});
      } catch (error) {
        statusListeners.delete(listener);
        throw error;
      }
      return { remove: () => void statusListeners.delete(listener) };
    },
  };
}

async function setMinimumInterval(transport, seconds) {
  if (!Number.isFinite(seconds)) throw new TypeError('`minimumInterval` must be a finite number of seconds.');
  return (await transport.request('setMinimumInterval', { seconds: Math.max(0, seconds) })).effectiveSeconds;
}

function requireTaskName(taskName) {
  if (typeof taskName !== 'string' || taskName === '') {
    throw new TypeError('`taskName` must be a non-empty string.');
  }
}

module.exports = { createFace };
