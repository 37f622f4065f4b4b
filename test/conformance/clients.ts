import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** A program that speaks SQL, and a script in which it does what every client does. */
export interface Client {
  /** As JOBTABLE_REQUIRE names it. */
  readonly name: string
  readonly isInstalled: boolean
  /** Answers to steps that it cannot take as the others do, by what it does instead. */
  readonly differs: Readonly<Record<string, unknown>>
  /** Runs the script on a database and answers what it told, step by step. */
  run(environment: Readonly<Record<string, string>>): Promise<Record<string, unknown>>
}

/** Far longer than a script takes, so that only one that hangs is ended. */
const TIMEOUT_MS = 60_000

const folder = fileURLToPath(new URL('.', import.meta.url))

interface Launch {
  readonly name: string
  readonly command: string
  /** The arguments before the script's path. */
  readonly before?: readonly string[]
  /** From this folder. */
  readonly script: string
  /** The arguments after it. */
  readonly after?: (environment: Readonly<Record<string, string>>) => readonly string[]
  readonly isInstalled: boolean
  readonly differs?: Readonly<Record<string, unknown>>
}

/** Whether a command succeeds with arguments that do so if all that the script needs is there. */
function succeeds(command: string, ...probe: readonly string[]): boolean {
  return spawnSync(command, probe).status === 0
}

/** The system's Python comes first: Debian's packages are not visible to others. */
function python(library: string): Launch {
  const command = ['/usr/bin/python3', 'python3'].find((python) =>
    succeeds(python, '-c', `import ${library}`),
  )
  return {
    name: library,
    command: command ?? 'python3',
    before: ['-B'],
    script: `clients/python/with_${library}.py`,
    isInstalled: command !== undefined,
  }
}

/** A script for a library that the package itself depends on, if only for its tests. */
function node(name: string, script = `clients/node/${name}.ts`): Launch {
  return { name, command: process.execPath, script, isInstalled: true }
}

/** A script for a library of the folder libraries/, which has a package of its own. */
function library(name: string, differs: Launch['differs'] = {}): Launch {
  return {
    ...node(name, `libraries/${name}.ts`),
    isInstalled: existsSync(`${folder}libraries/node_modules/${name}`),
    differs,
  }
}

/** Where Debian has the driver. */
const JDBC = '/usr/share/java/postgresql.jar'

/** The driver, as Debian registers it. */
const ODBC = 'PostgreSQL Unicode'

const launches: readonly Launch[] = [
  {
    name: 'psql',
    command: 'psql',
    before: ['--no-psqlrc', '--file'],
    script: 'clients/psql.sql',
    after: (environment) => [
      `--set=started=${environment['STARTED_JOB']}`,
      `--set=finished=${environment['FINISHED_JOB']}`,
    ],
    isInstalled: succeeds('psql', '--version'),
  },
  python('psycopg2'),
  python('psycopg'),
  python('asyncpg'),
  python('sqlalchemy'),
  python('pyodbc'),
  {
    name: 'perl',
    command: 'perl',
    script: 'clients/perl.pl',
    isInstalled: succeeds('perl', '-MDBD::Pg', '-MJSON::PP', '-e', '1'),
  },
  {
    name: 'php',
    command: 'php',
    script: 'clients/php.php',
    isInstalled: succeeds('php', '-r', 'exit(extension_loaded("pdo_pgsql") ? 0 : 1);'),
  },
  {
    name: 'ruby',
    command: 'ruby',
    script: 'clients/ruby.rb',
    isInstalled: succeeds('ruby', '-rjson', '-rpg', '-e', '1'),
  },
  {
    name: 'jdbc',
    command: 'java',
    // Else it reads its source in whatever the environment's locale says.
    before: ['-Dfile.encoding=UTF-8', '-cp', JDBC],
    script: 'clients/Jdbc.java',
    isInstalled: existsSync(JDBC) && succeeds('java', '--version'),
  },
  {
    ...node('odbc'),
    isInstalled: succeeds('isql', '--version') && succeeds('odbcinst', '-q', '-d', '-n', ODBC),
  },
  node('typescript', 'clients/typescript.ts'),
  node('pg'),
  // COPY has no ON CONFLICT.
  { ...node('copy'), differs: { key: [1, '23505'] } },
  node('kysely'),
  node('drizzle'),
  library('postgres'),
  library('knex'),
  library('typeorm'),
  library('prisma'),
  // Each mutation is a transaction, and none has ON CONFLICT.
  library('postgraphile', { key: [1, '23505'], rollback: 0 }),
]

export const clients: readonly Client[] = launches.map((launch) => ({
  name: launch.name,
  isInstalled: launch.isInstalled,
  differs: launch.differs ?? {},
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
