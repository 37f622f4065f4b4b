import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { type Database, TEST_APPLICATION } from './database.ts'

/** The kinds of roles that keeping owners apart knows. */
export const KINDS = ['reader', 'submitter', 'operator', 'worker', 'admin'] as const
export type Kind = (typeof KINDS)[number]

/** Logins of one database whose owners are kept apart. Its roles are its own: a server's are shared. */
export interface Roles {
  /** The group behind each kind. */
  readonly groups: Readonly<Record<Kind, string>>
  /** Creates a login that is a member of groups and answers its name. */
  login(name: string, ...kinds: readonly Kind[]): Promise<string>
  /** Runs a statement as a superuser. */
  admin(statement: string): Promise<void>
  /** Where a login connects. */
  url(login: string): string
  /** Runs statements as a login in one transaction, which is rolled back, and answers the last rows. */
  as<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    login: string,
    ...statements: readonly string[]
  ): Promise<Row[]>
  /** As {@link as}, and committed. */
  commitAs<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    login: string,
    ...statements: readonly string[]
  ): Promise<Row[]>
}

const PASSWORD = 'secret'

/** Roles for the test file that calls it: created with isolation, dropped in the end. */
export function useRoles(database: () => Database): () => Roles {
  const tag = randomBytes(4).toString('hex')
  const groups = Object.fromEntries(
    KINDS.map((kind) => [kind, `jt_${tag}_${kind}`]),
  ) as unknown as Record<Kind, string>
  const created: string[] = []
  const sessions = new Map<string, pg.Client>()
  const admin = new Map<'client', pg.Client>()

  const sessionOf = async (login: string): Promise<pg.Client> => {
    const known = sessions.get(login)
    if (known !== undefined) return known
    const client = new pg.Client({
      connectionString: urlOf(database(), login),
      application_name: TEST_APPLICATION,
      statement_timeout: 10_000,
    })
    await client.connect()
    sessions.set(login, client)
    return client
  }
  const run = async <Row extends pg.QueryResultRow>(
    login: string,
    statements: readonly string[],
    end: 'commit' | 'rollback',
  ): Promise<Row[]> => {
    const client = await sessionOf(login)
    let rows: Row[] = []
    await client.query('begin')
    try {
      for (const statement of statements) rows = (await client.query<Row>(statement)).rows
      await client.query(end)
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      await client.query('discard all')
    }
    return rows
  }
  const create = async (name: string, options: string): Promise<void> => {
    await admin.get('client')?.query(`create role ${name} ${options}`)
    created.push(name)
  }

  beforeAll(async () => {
    const { adminUrl } = database()
    if (adminUrl === undefined) throw new Error('the tests of owners need a superuser')
    const client = new pg.Client({ connectionString: adminUrl, application_name: TEST_APPLICATION })
    await client.connect()
    admin.set('client', client)
    for (const kind of KINDS) await create(groups[kind], 'nologin')
    await isolate(database(), groups)
  })
  afterAll(async () => {
    for (const client of sessions.values()) await client.end()
    for (const role of created.toReversed()) {
      await admin.get('client')?.query(`drop owned by ${role}; drop role ${role}`)
    }
    await admin.get('client')?.end()
  })

  return () => ({
    groups,
    login: async (name, ...kinds) => {
      const login = `jt_${tag}_${name}`
      await create(login, `login password '${PASSWORD}'`)
      for (const kind of kinds) {
        await admin.get('client')?.query(`grant ${groups[kind]} to ${login}`)
      }
      return login
    },
    admin: async (statement) => void (await admin.get('client')?.query(statement)),
    url: (login) => urlOf(database(), login),
    as: async (login, ...statements) => await run(login, statements, 'rollback'),
    commitAs: async (login, ...statements) => await run(login, statements, 'commit'),
  })
}

/** Keeps owners apart by these groups, with sharing unless told; each login is an owner. */
export async function isolate(
  database: Pick<Database, 'query'>,
  groups: Readonly<Record<Kind, string>>,
  sharing = true,
): Promise<void> {
  await database.query(`select jobtable.set_owner_source('role')`)
  await database.query(
    `select jobtable.enable_isolation(${KINDS.map((kind) => `${kind} => '${groups[kind]}'`).join(', ')}, sharing => ${sharing})`,
  )
}

function urlOf(database: Database, login: string): string {
  const url = new URL(database.url)
  url.username = login
  url.password = PASSWORD
  return url.href
}
