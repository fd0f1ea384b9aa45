/** The name `expo` for bgfetch. */

export * from '../src/index.mjs';
