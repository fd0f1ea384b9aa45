'use strict';
/** Bytes to lines, never holding more than a frame. */

const FRAME_BYTES_MAX = 1024 * 1024;
const LINE_END = 10;

class Lines {
  #parts = [];
  #heldBytes = 0;

  /** The whole lines that `chunk` completes, empty ones skipped. Throws if one is longer than a frame. */
  take(chunk) {
    const lines = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, start)) {
      this.#hold(chunk.subarray(start, end));
      const line = this.#parts.length === 1 ? this.#parts[0].toString() : Buffer.concat(this.#parts).toString();
      this.#parts = [];
      this.#heldBytes = 0;
      if (line.trim() !== '') lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
    return lines;
  }

  #hold(part) {
    this.#heldBytes += part.length;
    if (this.#heldBytes > FRAME_BYTES_MAX) {
      throw new RangeError(`the line is longer than ${FRAME_BYTES_MAX} bytes`);
    }
    this.#parts.push(part);
  }
}

module.exports = { Lines, FRAME_BYTES_MAX };
