'use strict';
/**
 * The two enumerations of BackgroundFetch, and what a task's return value counts as.
 *
 * Everything in this folder is plain JavaScript without Node's modules, so that any engine can run the same rules.
 */

/** How a fetch ended. */
const Result = Object.freeze({ NoData: 1, NewData: 2, Failed: 3 });

/** Whether the app may work in the background. */
const Status = Object.freeze({ Denied: 1, Restricted: 2, Available: 3 });

/**
 * The wire's form of what a task returned: 1, 2, 3, or null for nothing. Whatever else came counts as NoData and is
 * marked `mistaken`.
 */
function normaliseResult(value) {
  if (value === null || value === undefined) return { result: null, mistaken: false };
  if (value === Result.NoData || value === Result.NewData || value === Result.Failed) {
    return { result: value, mistaken: false };
  }
  return { result: Result.NoData, mistaken: true };
}

module.exports = { Result, Status, normaliseResult };
