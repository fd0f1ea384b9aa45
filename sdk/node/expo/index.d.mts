export * from '../types/index.mjs';
