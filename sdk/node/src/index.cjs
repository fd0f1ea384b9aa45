'use strict';
/** `require('bgfetch')`. */

const face = require('./node/start.cjs').start();

exports.BackgroundFetch = face.BackgroundFetch;
exports.TaskManager = face.TaskManager;
exports.bgfetch = face.bgfetch;
