/** The thread side of `expo-name.cjs` on versions of Node without `registerHooks`. */

const url = new URL('../index.mjs', import.meta.url).href;

export function resolve(specifier, context, nextResolve) {
  return specifier === 'expo' ? { url, format: 'module', shortCircuit: true } : nextResolve(specifier, context);
}
