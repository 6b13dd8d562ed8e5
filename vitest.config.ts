import path from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/**/*.test.ts', 'services/**/*.test.ts', 'tests/**/*.test.ts'],
    globalSetup: ['tests/stack.ts'],
    // Hundreds of processes are started.
    env: { NODE_COMPILE_CACHE: path.resolve(import.meta.dirname, '.windrow/compile-cache') },
    // Real brokers and JVMs on two processors: more workers would only wait for each other.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
});
