/**
 * `import … from 'bgfetch'`.
 *
 * Requires instead of importing, since Node starts a parser for every CommonJS module that is imported by name.
 */

import { createRequire } from 'node:module';

export const { BackgroundFetch, TaskManager, bgfetch } = createRequire(import.meta.url)('./index.cjs');
