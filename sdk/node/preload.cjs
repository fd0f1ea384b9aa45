'use strict';
/**
 * `node --require …/preload.cjs app.js`: how a host starts a Node app.
 *
 * In a wake it joins the host before the app begins. And where the app's folder has no package `expo`, that name means
 * this one.
 */

if (process.env.BGFETCH_FD) require('./src/node/start.cjs').start();
require('./src/node/expo-name.cjs').nameExpo(process.argv[1]);
