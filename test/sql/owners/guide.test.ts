import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { from, to } from 'pg-copy-streams'
import { beforeAll, describe, expect, test } from 'vitest'
import { TEST_APPLICATION, useDatabase } from '../../support/database.ts'
import { addTypes } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { isolate, KINDS, useRoles } from '../../support/roles.ts'

const database = useDatabase()
const roles = useRoles(database)

/** Roles that the guide creates. A server has each name once, so that they get a prefix here. */
const CREATED = ['anna', 'worker_1', 'olga', 'app_user', 'app_worker', 'web_user', 'authenticator']

beforeAll(async () => await addTypes(database(), 'count_words'))

async function open(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, application_name: TEST_APPLICATION })
  await client.connect()
  return client
}

test('every SQL statement of the guide works, in its order', async () => {
  const guide = fileURLToPath(new URL('../../../docs/owners.md', import.meta.url))
  const blocks = (await readFile(guide, 'utf8')).matchAll(/^```sql\n(.*?)^```/gms)
  const { groups } = roles()
  const prefix = groups.reader.replace(/reader$/, 'guide_')
  const own = (text: string): string =>
    KINDS.reduce((sql, kind) => sql.replaceAll(`jobtable_${kind}`, groups[kind]), text).replaceAll(
      new RegExp(`\\b(${CREATED.join('|')})\\b`, 'g'),
      `${prefix}$1`,
    )
  const admin = await open(database().adminUrl ?? '')
  let count = 0
  try {
    for (const [, block = ''] of blocks) {
      for (const statement of own(block)
        .split(/;\n/)
        .filter((text) => text.trim() !== '')) {
        await admin.query(statement).catch((error: unknown) => {
          throw new Error(`${statement}: ${String(error)}`)
        })
        count += 1
      }
    }
  } finally {
    await admin.query('rollback; reset role')
    await isolate(database(), groups)
    await admin.query('delete from jobtable.owner_quota')
    const { rows } = await admin.query<{ name: string }>(
      'select rolname as name from pg_roles where starts_with(rolname, $1)',
      [prefix],
    )
    for (const { name } of rows) await admin.query(`drop owned by ${name}; drop role ${name}`)
    await admin.end()
  }
  expect(count).toBeGreaterThan(20)
})

describe('an application of one login', () => {
  const as = async (
    login: string,
    claims: string,
    statement: string,
  ): Promise<pg.QueryResultRow[]> =>
    await roles().commitAs(
      login,
      `set local role ${login.replace(/_rest$/, '_web')}`,
      `select set_config('request.jwt.claims', '${claims}', true)`,
      statement,
    )

  test('is each user in turn, as PostgREST does it', async () => {
    await database().query(`select jobtable.set_owner_source('jwt')`)
    const web = await roles().login('web', 'submitter')
    const rest = await roles().login('rest')
    await roles().admin(`grant ${web} to ${rest}`)
    const insert = `insert into jobtable.job (type) values ('count_words') returning owner`
    expect(await as(rest, '{"sub": "u1"}', insert)).toEqual([{ owner: 'u1' }])
    expect(await as(rest, '{"sub": "u2"}', insert)).toEqual([{ owner: 'u2' }])
    const list = 'select owner from jobtable.job_report'
    expect(await as(rest, '{"sub": "u2"}', list)).toEqual([{ owner: 'u2' }])
    expect(await as(rest, '{"sub": "u3"}', list)).toEqual([])
    const anonymous = `{"role": "${web}"}`
    expect(await as(rest, anonymous, list)).toEqual([])
    expect(await refusal(as(rest, anonymous, insert))).toMatchObject({
      code: 'JT029',
      message: 'the job has no owner',
    })
    await database().query(`select jobtable.set_owner_source('role')`)
  })
})

describe('COPY', () => {
  test('from a file is refused, and goes by way of a temporary table; to a file shows own jobs', async () => {
    const login = await roles().login('copier', 'submitter')
    await database().query(`insert into jobtable.job (type, owner) values ('count_words', 'other')`)
    const client = await open(roles().url(login))
    const copyIn = async (target: string): Promise<void> =>
      await pipeline(
        Readable.from(['count_words\t{"n": 1}\n', 'count_words\t{"n": 2}\n']),
        client.query(from(`copy ${target} from stdin`)),
      )
    expect((await refusal(copyIn('jobtable.job (type, payload)'))).code).toBe('0A000')
    await client.query('create temp table incoming (type text, payload jsonb)')
    await copyIn('incoming')
    await client.query('insert into jobtable.job (type, payload) select * from incoming')
    const lines: string[] = []
    for await (const line of client.query(to('copy jobtable.job (owner, payload) to stdout'))) {
      lines.push(String(line))
    }
    await client.end()
    expect(lines.join('')).toBe(`${login}\t{"n": 1}\n${login}\t{"n": 2}\n`)
  })
})
