import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

/** Tests mostly wait for the server: two files at a time keep two cores busy. */
const MAX_WORKERS = 2

/** Generous, since every test meets a real server on a machine that may be loaded. */
const TIMEOUT_MS = 60_000

function suite(name: string): TestProjectInlineConfiguration {
  return {
    resolve: { alias: { jobtable: fileURLToPath(new URL('src/index.ts', import.meta.url)) } },
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      testTimeout: TIMEOUT_MS,
      hookTimeout: TIMEOUT_MS,
    },
  }
}

export default defineConfig({
  test: {
    globalSetup: ['test/support/server.ts'],
    maxWorkers: MAX_WORKERS,
    projects: ['unit', 'sql', 'integration', 'crash', 'conformance'].map(suite),
  },
})
