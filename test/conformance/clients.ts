import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** A program that speaks SQL, and a script in which it does what every client does. */
export interface Client {
  /** As JOBTABLE_REQUIRE names it. */
  readonly name: string
  readonly isInstalled: boolean
  /** Runs the script on a database and answers what it told, step by step. */
  run(environment: Readonly<Record<string, string>>): Promise<Record<string, unknown>>
}

/** Far longer than a script takes, so that only one that hangs is ended. */
const TIMEOUT_MS = 60_000

const folder = fileURLToPath(new URL('clients/', import.meta.url))

interface Launch {
  readonly name: string
  readonly command: string
  /** The arguments before the script's path. */
  readonly before?: readonly string[]
  readonly script: string
  /** The arguments after it. */
  readonly after?: (environment: Readonly<Record<string, string>>) => readonly string[]
  /** Arguments with which the command succeeds if all that the script needs is there. */
  readonly probe: readonly string[]
}

/** The system's Python comes first: Debian's packages are not visible to others. */
const python = ['/usr/bin/python3', 'python3'].find(
  (command) => spawnSync(command, ['-c', 'import psycopg2']).status === 0,
)

const launches: readonly Launch[] = [
  {
    name: 'psql',
    command: 'psql',
    before: ['--no-psqlrc', '--file'],
    script: 'psql.sql',
    after: (environment) => [
      `--set=started=${environment['STARTED_JOB']}`,
      `--set=finished=${environment['FINISHED_JOB']}`,
    ],
    probe: ['--version'],
  },
  {
    name: 'psycopg2',
    command: python ?? 'python3',
    script: 'python.py',
    probe: ['-c', 'import psycopg2'],
  },
  {
    name: 'perl',
    command: 'perl',
    script: 'perl.pl',
    probe: ['-MDBD::Pg', '-MJSON::PP', '-e', '1'],
  },
  {
    name: 'php',
    command: 'php',
    script: 'php.php',
    probe: ['-r', 'exit(extension_loaded("pdo_pgsql") ? 0 : 1);'],
  },
  { name: 'ruby', command: 'ruby', script: 'ruby.rb', probe: ['-rjson', '-rpg', '-e', '1'] },
  { name: 'typescript', command: process.execPath, script: 'typescript.ts', probe: ['--version'] },
]

export const clients: readonly Client[] = launches.map((launch) => ({
  name: launch.name,
  isInstalled: spawnSync(launch.command, launch.probe).status === 0,
  run: async (environment) => {
    const { before = [], script, after } = launch
    const { stdout } = await promisify(execFile)(
      launch.command,
      [...before, `${folder}${script}`, ...(after?.(environment) ?? [])],
      { env: { ...process.env, ...environment }, timeout: TIMEOUT_MS },
    )
    const steps = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { readonly step: string; readonly answer: unknown })
    return Object.fromEntries(steps.map(({ step, answer }) => [step, answer]))
  },
}))

/** The PG* variables that lead a client to a database. */
export function connectionVariables(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    PGHOST: decodeURIComponent(hostname),
    PGPORT: port === '' ? '5432' : port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
  }
}
