'use strict';
/** The name `expo` for bgfetch. */

module.exports = require('../src/index.cjs');
