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
  let connected = true;
  let grace;
  const leave = () => {
    transport.close();
    process.stdout.write('', () => process.stderr.write('', () => process.exit()));
  };
  const leaveSoon = () => {
    clearTimeout(grace);
    grace = setTimeout(leave, GRACE_MS);
    // Without a connection no event can come: nothing is waited for but what the app itself still has running.
    if (!connected) grace.unref();
  };
  transport.onEnd = () => {
    connected = false;
    release();
    leaveSoon();
  };
  return (running) => {
    if (running === 0) leaveSoon();
    else clearTimeout(grace);
  };
}

module.exports = { endWithWake };
