import { ConfigError } from './errors.ts'

/** Where a command finds the database, and how it knows. */
export interface ConnectionSource {
  /** undefined: the driver reads the PG* variables itself. */
  readonly connectionString: string | undefined
  readonly source: string
}

/** The order in which a database is looked for; the first one that is set counts. */
const URL_VARIABLES = ['JOBTABLE_DATABASE_URL', 'DATABASE_URL'] as const

/** Any of these means that libpq's variables are meant. */
const PG_VARIABLES = ['PGHOST', 'PGDATABASE', 'PGUSER', 'PGSERVICE', 'PGPORT'] as const

/**
 * Finds the database: what was given, else JOBTABLE_DATABASE_URL, DATABASE_URL, PG*. undefined if
 * nothing says where it is. Throws a ConfigError for a URL that cannot be one, without repeating it:
 * it may hold a password.
 */
export function findConnection(
  given: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): ConnectionSource | undefined {
  if (given !== undefined) return checked(given, '--database-url')
  for (const name of URL_VARIABLES) {
    const value = env[name]
    if (value !== undefined && value !== '') return checked(value, name)
  }
  const name = PG_VARIABLES.find((variable) => (env[variable] ?? '') !== '')
  return name === undefined ? undefined : { connectionString: undefined, source: name }
}

/** As findConnection; throws a ConfigError if nothing says where the database is. */
export function requireConnection(given: string | undefined): ConnectionSource {
  const found = findConnection(given)
  if (found !== undefined) return found
  throw new ConfigError(
    'no_database',
    'no database is named: give --database-url, or set JOBTABLE_DATABASE_URL, DATABASE_URL or PGHOST …; `jobtable up` starts one',
  )
}

function checked(connectionString: string, source: string): ConnectionSource {
  if (!/^postgres(ql)?:\/\//.test(connectionString) || !URL.canParse(connectionString)) {
    throw new ConfigError(
      'database_url',
      `${source} is not a PostgreSQL URL: write postgres://user:password@host:5432/database`,
    )
  }
  return { connectionString, source }
}
