'use strict';
/** The end of a process that was started for a wake. */

/**
 * How long the process stays once nothing runs, in case another event comes, in milliseconds. Less than the second after
 * which a host asks it to end, so that it leaves by itself.
 */
const GRACE_MS = 500;

/**
 * Keeps the process alive from here until its runs have been answered, then lets it go: at once when the host ends the
 * connection, else after the grace. What still keeps it running then does not count, its output does.
 *
 * Gives the function to call with the number of runs under way.
 */
function endWithWake(process, transport) {
  const release = transport.hold();
  let grace;
  const leave = () => {
    transport.close();
    process.stdout.write('', () => process.stderr.write('', () => process.exit()));
  };
  transport.onEnd = () => {
    release();
    grace ??= setTimeout(leave, GRACE_MS);
    grace.unref();
  };
  return (running) => {
    clearTimeout(grace);
    grace = running === 0 ? setTimeout(leave, GRACE_MS) : undefined;
  };
}

module.exports = { endWithWake };
