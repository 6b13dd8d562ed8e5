import { createRequire } from 'node:module';
import { WindrowError } from '@windrow/runtime';

/**
 * The one version of kafkajs whose internals the patches were written for. Before a change of it, compare each patched
 * module with the new version's: none of them is part of kafkajs' public interface.
 */
export const supportedVersion = '2.2.4';

const require = createRequire(import.meta.url);
const pathOf = (module: string) => require.resolve(`kafkajs/src/${module}`);

/** @throws WindrowError STACK_PREREQUISITE_MISSING where another version is installed */
export function assertSupportedVersion(installed: string = require('kafkajs/package.json').version): void {
  if (installed === supportedVersion) return;
  const message = `kafkajs ${installed} is installed, but Windrow patches internals of kafkajs ${supportedVersion}. Install that version: npm ci`;
  throw new WindrowError('STACK_PREREQUISITE_MISSING', message);
}

/** A module of kafkajs by its path below `kafkajs/src/`. The caller states its type: the package has none for it. */
export function internalModule<T>(module: string): T {
  return require(pathOf(module)) as T;
}

/** Whoever loads the module from now on gets `exports`. Modules that have loaded it before keep the original. */
export function replaceModule(module: string, exports: unknown): void {
  internalModule(module);
  const cached = require.cache[pathOf(module)];
  if (!cached) throw new TypeError(`kafkajs/src/${module} is not in the module cache`);
  cached.exports = exports;
}

/**
 * The next one who loads the module gets a new copy, which takes the modules it depends on as they are then. A copy
 * that was changed before is lost.
 */
export function reloadModule(module: string): void {
  delete require.cache[pathOf(module)];
}
