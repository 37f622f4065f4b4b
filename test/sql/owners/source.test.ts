import { afterEach, describe, expect, test } from 'vitest'
import { migrate } from '../../../src/migrate.ts'
import { useDatabase } from '../../support/database.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession } from '../../support/session.ts'

const database = useDatabase()
afterEach(async () => await choose('any'))

async function choose(source: string, detail: string | null = null): Promise<void> {
  await database().query('select jobtable.set_owner_source($1, $2)', [source, detail])
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
    await database().query(`update jobtable_internal.installed set routines_hash = 'other'`)
    await migrate({ connectionString: database().url })
    expect(await ownerWith(setting, ['my.tenant', 'dora'])).toBe('dora')
    expect(await ownerWith(setting)).toEqual(ROLE)
  })
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
