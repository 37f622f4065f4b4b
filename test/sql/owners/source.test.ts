import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { migrate } from '../../../src/migrate.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession } from '../../support/session.ts'

const database = useDatabase()
afterEach(async () => await choose('any'))

async function choose(source: string, detail: string | null = null): Promise<void> {
  await database().query('select jobtable.set_owner_source($1, $2)', [source, detail])
}

async function reinstall(): Promise<void> {
  await database().query(`update jobtable_internal.installed set routines_hash = 'other'`)
  await migrate({ connectionString: database().url })
}

/** The queue's functions, triggers and views, and the columns' defaults. */
async function objects(): Promise<unknown> {
  return await database().query(
    `select o.object from jobtable_internal.installed_objects() o
     union all
     select d.adrelid::regclass || ': ' || pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
     order by 1`,
  )
}

async function ownerWith(...settings: readonly [string, string][]): Promise<string | null> {
  return await askWith('jobtable.current_owner()', settings)
}

async function askWith(
  question: string,
  settings: readonly [string, string][],
): Promise<string | null> {
  await using session = await openSession(database())
  for (const [name, value] of settings) {
    await session.query('select set_config($1, $2, false)', [name, value])
  }
  const rows = await session.query<{ answer: string | null }>(`select ${question} as answer`)
  return rows[0]?.answer ?? null
}

const setting: [string, string] = ['jobtable.owner', 'anna']
const claims: [string, string] = [
  'request.jwt.claims',
  '{"sub": "bert", "app": {"tenant": "carl"}}',
]
const ROLE = expect.stringContaining('jobtable_test') as string

describe('the owner comes from', () => {
  test('the setting, else the claim, else the role, out of the box', async () => {
    expect(await ownerWith(setting, claims)).toBe('anna')
    expect(await ownerWith(['jobtable.owner', ''], claims)).toBe('bert')
    expect(await ownerWith(['request.jwt.claims', '{}'])).toEqual(ROLE)
    expect(await ownerWith(['request.jwt.claims', '{"sub": ""}'])).toEqual(ROLE)
    expect(await ownerWith(['request.jwt.claims', ''])).toEqual(ROLE)
    expect(await ownerWith()).toEqual(ROLE)
  })

  test('the setting alone', async () => {
    await choose('setting')
    expect(await ownerWith(setting, claims)).toBe('anna')
    expect(await ownerWith(claims)).toEqual(ROLE)
  })

  test('a claim alone, of any path', async () => {
    await choose('jwt')
    expect(await ownerWith(setting, claims)).toBe('bert')
    await choose('jwt', 'app.tenant')
    expect(await ownerWith(setting, claims)).toBe('carl')
    expect(await ownerWith(setting)).toEqual(ROLE)
  })

  test.each(['{}', '{"role": "web_anon"}', '{"sub": ""}', '{"sub": null}', 'null'])(
    'no role instead of a claim that is missing among claims: %s',
    async (without) => {
      await choose('jwt')
      expect(await ownerWith(setting, ['request.jwt.claims', without])).toBeNull()
      // For the record of who did what, it is the role.
      const claimless: [string, string][] = [['request.jwt.claims', without]]
      expect(await askWith('jobtable_internal.actor()', claimless)).toEqual(ROLE)
      expect(await ownerWith(setting, ['request.jwt.claims', ''])).toEqual(ROLE)
    },
  )

  test('the role alone', async () => {
    await choose('role')
    expect(await ownerWith(setting, claims)).toEqual(ROLE)
  })

  test('a function of the users, also after an installation', async () => {
    await database().query(`create function public."My Tenant"() returns text language sql stable
      return nullif(current_setting('my.tenant', true), '')`)
    await choose('function', 'public."My Tenant"()')
    await reinstall()
    expect(await ownerWith(setting, ['my.tenant', 'dora'])).toBe('dora')
    expect(await ownerWith(setting)).toEqual(ROLE)
  })
})

describe('a function that is dropped', () => {
  const INSERT = `insert into jobtable.job (type) values ('work') returning owner`

  beforeAll(async () => await addTypes(database(), 'work'))
  beforeEach(async () => {
    await database().query('create schema app')
    await createTenant()
    await choose('function', 'app.tenant()')
  })
  afterEach(async () => await database().query('drop schema if exists app cascade'))

  async function createTenant(): Promise<void> {
    await database().query(`create function app.tenant() returns text language sql return 'dora'`)
  }

  test.each(['drop function app.tenant()', 'drop schema app cascade'])(
    'takes nothing of the queue along, by %s, and another source serves',
    async (drop) => {
      const before = await objects()
      await database().query(drop)
      expect(await objects()).toEqual(before)
      await choose('any')
      expect(await database().query(INSERT)).toEqual([{ owner: ROLE }])
    },
  )

  test('is missed by INSERT and by whoever asks for the owner, until there is one again', async () => {
    await database().query('drop function app.tenant()')
    for (const asking of [INSERT, 'select jobtable_internal.actor()']) {
      expect(await refusal(database().query(asking))).toMatchObject({
        code: 'JT024',
        message: 'there is no function "app.tenant()" to tell the owner',
        hint: 'Create it again, or choose another source by jobtable.set_owner_source().',
      })
    }
    await createTenant()
    expect(await database().query(INSERT)).toEqual([{ owner: 'dora' }])
  })

  test('is no other that can be called like it', async () => {
    await database().query('drop function app.tenant()')
    await database().query(
      `create function app.tenant(n int default 1) returns text language sql return 'eve'`,
    )
    expect((await refusal(database().query(INSERT))).code).toBe('JT024')
  })

  test('does not keep an installation from being made', async () => {
    await database().query('drop schema app cascade')
    await reinstall()
    expect((await refusal(database().query(INSERT))).code).toBe('JT024')
  })
})

test('a temporary function is refused', async () => {
  await using session = await openSession(database())
  await session.query(`create function pg_temp.mine() returns text language sql return 'dora'`)
  const chosen = session.query(`select jobtable.set_owner_source('function', 'pg_temp.mine()')`)
  expect((await refusal(chosen)).code).toBe('JT024')
})

test.each([
  ['telepathy', null],
  ['function', null],
  ['function', 'public.missing()'],
  ['function', `x'; drop table jobtable.job; --`],
])('set_owner_source(%s, %s) is refused', async (source, detail) => {
  expect((await refusal(choose(source, detail))).code).toBe('JT024')
})

test.each([
  ['()', ''],
  ['()', 'set search_path = public'],
  ['()', 'security definer'],
  ['(n int)', `set search_path = ''`],
])('a function that a client could fool is refused: %s %s', async (parameters, options) => {
  await database().query('create table public.tenant (name text)')
  await database().query(
    `create function public.foolish${parameters} returns text language sql stable ${options}
     as 'select name from public.tenant'`,
  )
  const name = parameters === '()' ? 'public.foolish()' : 'public.foolish(int)'
  expect(await refusal(choose('function', name))).toMatchObject({
    code: 'JT024',
    message: expect.stringContaining('cannot tell the owner') as string,
  })
  await database().query(`drop function ${name}; drop table public.tenant`)
})

test.each(['pg_catalog, pg_temp', `''`])(
  'a function with search_path %s is taken',
  async (path) => {
    await database().query(`create or replace function public.pinned() returns text language plpgsql
    set search_path = ${path} as $$ begin return 'dora'; end $$`)
    await choose('function', 'public.pinned()')
    expect(await ownerWith(setting)).toBe('dora')
  },
)
