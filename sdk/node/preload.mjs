/** `node --import …/preload.mjs app.js`: the same as `--require …/preload.cjs`. */

import './preload.cjs';
