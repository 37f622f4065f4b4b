/** Runs the benchmarks, after installing what they compare with. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const BENCH = fileURLToPath(new URL('../bench', import.meta.url))

if (!existsSync(`${BENCH}/node_modules`)) {
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: BENCH, stdio: ['ignore', 2, 2] })
}
try {
  execFileSync(process.execPath, [`${BENCH}/main.ts`, ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
} catch (error) {
  process.exitCode = error instanceof Error && 'status' in error ? Number(error.status) : 1
}
