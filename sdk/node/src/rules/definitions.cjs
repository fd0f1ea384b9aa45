'use strict';
/**
 * The tasks this program defines, and the initialisation phase in which it may.
 *
 * Definitions live in the process alone. Whoever starts the program says when its initialisation is over.
 */

class Definitions {
  #tasks = new Map();
  #open = true;
  #console;

  /** `console` takes the warnings. */
  constructor(console) {
    this.#console = console;
  }

  /** Whether tasks may still be defined. */
  get open() {
    return this.#open;
  }

  /** Ends the initialisation phase. */
  close() {
    this.#open = false;
  }

  /** The function of a task, or undefined. */
  task(taskName) {
    return this.#tasks.get(taskName);
  }

  /** Whether the task is defined; any value may be asked for. */
  has(taskName) {
    return this.#tasks.has(taskName);
  }

  /** The names defined, sorted. */
  names() {
    return [...this.#tasks.keys()].sort();
  }

  /** Defines a task. What is not allowed is said on the console and ignored; nothing is thrown. */
  define(taskName, task) {
    if (!this.#open) {
      this.#console.error('TaskManager.defineTask must be called during initialization phase!');
    } else if (typeof taskName !== 'string' || taskName === '') {
      this.#console.warn("TaskManager.defineTask: 'taskName' argument must be a non-empty string.");
    } else if (typeof task !== 'function') {
      this.#console.warn("TaskManager.defineTask: 'task' argument must be a function.");
    } else if (this.#tasks.has(taskName)) {
      this.#console.warn(`TaskManager.defineTask: task '${taskName}' is already defined.`);
    } else {
      this.#tasks.set(taskName, task);
    }
  }
}

module.exports = { Definitions };
