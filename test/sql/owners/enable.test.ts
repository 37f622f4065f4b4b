import { beforeAll, describe, expect, test } from 'vitest'
import { migrate } from '../../../src/migrate.ts'
import { createDatabase, useDatabase } from '../../support/database.ts'
import { addTypes, insertJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { isolate, KINDS, useRoles } from '../../support/roles.ts'
import { openSession } from '../../support/session.ts'

const database = useDatabase()
const roles = useRoles(database)
let anna = ''
let bert = ''
let boss = ''

beforeAll(async () => {
  await addTypes(database(), 'work')
  anna = await roles().login('anna', 'submitter')
  bert = await roles().login('bert', 'submitter')
  boss = await roles().login('boss', 'operator')
  await insertJob(database(), 'work', { owner: anna })
  await insertJob(database(), 'work', { owner: bert })
})

const JOBS = 'select owner from jobtable.job order by id'
const seenBy = async (login: string): Promise<string[]> =>
  (await roles().as<{ owner: string }>(login, JOBS)).map((row) => row.owner)

/** Every right and policy on the queue's objects and on the users' facets. */
async function rules(): Promise<unknown> {
  return await database().query(
    `select c.oid::regclass::text as name, c.relacl::text, c.relrowsecurity,
       (select jsonb_object_agg(a.attname, a.attacl) from pg_attribute a
        where a.attrelid = c.oid and a.attacl is not null) as columns,
       (select jsonb_agg(to_jsonb(p) - 'oid' order by p.polname)
        from pg_policy p where p.polrelid = c.oid) as policies
     from pg_class c
     where c.relnamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace,
       'public'::regnamespace)
     union all
     select p.oid::regprocedure::text, p.proacl::text, null, null, null
     from pg_proc p
     where p.pronamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace)
     order by 1`,
  )
}

/** The roles with any right or policy in the database, but for what they own. */
async function entitled(): Promise<string[]> {
  const rows = await database().query<{ name: string }>(
    `select distinct r.rolname::text as name
     from pg_shdepend d join pg_roles r on r.oid = d.refobjid
     where d.dbid = (select oid from pg_database where datname = current_database())
       and d.deptype in ('a', 'r')
     order by name`,
  )
  return rows.map(({ name }) => name)
}

/** As if a version with other functions had been installed before. */
async function reinstall(): Promise<void> {
  await database().query(`update jobtable_internal.installed set routines_hash = 'other'`)
  await migrate({ connectionString: database().url })
}

describe('enable_isolation()', () => {
  test('may be called again and again', async () => {
    await isolate(database(), roles().groups)
    const before = await rules()
    await isolate(database(), roles().groups)
    expect(await rules()).toEqual(before)
  })

  test('says nothing when all goes well, the first time or again, with facets or quotas', async () => {
    await using own = await createDatabase()
    await using session = await openSession(own)
    const notices: (string | undefined)[] = []
    session.client.on('notice', ({ message }) => notices.push(message))
    await session.query('create table words (job bigint primary key, n int)')
    await session.query(`select jobtable.add_facet('words')`)
    await isolate(session, roles().groups)
    await session.query(`select jobtable.add_facet('words')`)
    await isolate(session, roles().groups)
    await session.query('select jobtable.disable_isolation()')
    await session.query(`insert into jobtable.owner_quota (owner, max_unfinished) values ('*', 9)`)
    expect(notices).toEqual([])
  })

  test('looks whether the roles are there before it locks the queue', async () => {
    await using reader = await openSession(database())
    await reader.query('begin')
    await reader.query('select from jobtable.job')
    const missing = `select jobtable.enable_isolation(reader => 'nobody')`
    expect((await refusal(database().query(missing))).code).toBe('JT024')
    await reader.query('rollback')
  })

  test('survives an installation, and gives new functions their rights', async () => {
    const before = await rules()
    await database().query(
      `revoke execute on function jobtable.cancel(bigint, text) from ${roles().groups.submitter}`,
    )
    await reinstall()
    expect(await rules()).toEqual(before)
    expect(await seenBy(anna)).toEqual([anna])
  })

  test('keeps the policies that an installation finds unchanged', async () => {
    const oids = async (): Promise<unknown> =>
      await database().query('select oid from pg_policy order by oid')
    const before = await oids()
    await reinstall()
    expect(await oids()).toEqual(before)
    await database().query(`update jobtable_internal.isolation set policies_hash = 'other'`)
    await reinstall()
    expect(await oids()).not.toEqual(before)
  })

  test('renames a role: the old one has no right left', async () => {
    const other = roles().groups.operator
    await database().query(
      `select jobtable.enable_isolation(submitter => '${other}', operator => '')`,
    )
    expect((await refusal(roles().as(anna, JOBS))).code).toBe('42501')
    expect(await seenBy(boss)).toEqual([])
    await isolate(database(), roles().groups)
    expect(await seenBy(anna)).toEqual([anna])
    expect(await seenBy(boss)).toEqual([anna, bert])
  })

  test.each(KINDS)(
    'keeps to no %s when called again, after its end or by an installation',
    async (kind) => {
      const groups = { ...roles().groups, [kind]: '' }
      const others = Object.values(groups).filter((name) => name !== '')
      await isolate(database(), groups)
      await database().query('select jobtable.enable_isolation()')
      expect(await entitled()).toEqual(others.toSorted())
      await database().query('select jobtable.disable_isolation()')
      await database().query('select jobtable.enable_isolation()')
      expect(await entitled()).toEqual(others.toSorted())
      await reinstall()
      expect(await entitled()).toEqual(others.toSorted())
      await isolate(database(), roles().groups)
    },
  )

  test('says which role is missing, if it may not create it, and changes nothing', async () => {
    const before = await rules()
    const { code, message, hint } = await refusal(
      database().query(`select jobtable.enable_isolation(reader => 'nobody''s')`),
    )
    expect(code).toBe('JT024')
    expect(message).toContain(`there is no role "nobody's"`)
    expect(hint).toBe(`Have a role with CREATEROLE run: create role "nobody's" nologin`)
    expect(await rules()).toEqual(before)
  })

  test("keeps owners apart in users' facets, made before or after", async () => {
    await database().query('create table before (job bigint primary key, n int)')
    await database().query(`select jobtable.add_facet('before')`)
    await database().query('select jobtable.disable_isolation()')
    await database().query('create table "After All" ("The Job" bigint primary key, n int)')
    await database().query(`select jobtable.add_facet('"After All"', 'The Job')`)
    await isolate(database(), roles().groups)
    for (const facet of ['before', '"After All"']) {
      await database().query(`insert into ${facet} select id from jobtable.job`)
      expect(await roles().as(anna, `select * from ${facet}`)).toHaveLength(1)
      expect(await roles().as(boss, `select * from ${facet}`)).toHaveLength(2)
    }
  })

  test("leaves others' policies on the queue's tables alone, and so does its end", async () => {
    await database().query(
      `create policy of_a_dba on jobtable.job as restrictive for select using (owner <> '${bert}')`,
    )
    await isolate(database(), roles().groups)
    expect(await seenBy(boss)).toEqual([anna])
    await database().query(`update jobtable_internal.isolation set policies_hash = 'other'`)
    await reinstall()
    expect(await seenBy(boss)).toEqual([anna])
    await database().query('select jobtable.disable_isolation()')
    expect(
      await database().query(
        `select relname, polname from pg_class c left join pg_policy p on p.polrelid = c.oid
         where c.relrowsecurity and relnamespace = 'jobtable'::regnamespace`,
      ),
    ).toEqual([{ relname: 'job', polname: 'of_a_dba' }])
    await database().query('drop policy of_a_dba on jobtable.job')
    await isolate(database(), roles().groups)
  })

  test("keeps owners apart in a user's facet in the queue's schema too", async () => {
    await database().query('create table jobtable.extra (job bigint primary key, n int)')
    await database().query(`select jobtable.add_facet('jobtable.extra')`)
    await database().query('insert into jobtable.extra select id from jobtable.job')
    const insertable = async (): Promise<unknown> =>
      await database().query(
        `select has_table_privilege('${roles().groups.worker}', 'jobtable.extra', 'insert') as it`,
      )
    for (const again of [async () => await isolate(database(), roles().groups), reinstall]) {
      await again()
      expect(await roles().as(anna, 'select * from jobtable.extra')).toHaveLength(1)
      expect(await insertable()).toEqual([{ it: true }])
    }
    await database().query('drop table jobtable.extra')
  })

  test('leaves who may write a facet as its owner grants it, and waits for nobody', async () => {
    await database().query('create table granted (job bigint primary key, n int)')
    await database().query(`select jobtable.add_facet('granted')`)
    await database().query(`grant insert on granted to ${roles().groups.submitter}`)
    await using reader = await openSession(database())
    await reader.query('begin')
    await reader.query('select from granted')
    await database().query(`select jobtable.add_facet('granted')`)
    await reader.query('rollback')
    await database().query(`update jobtable_internal.isolation set policies_hash = 'other'`)
    const write = 'insert into granted select id from jobtable.job returning job'
    await reinstall()
    expect(await roles().as(anna, write)).toHaveLength(1)
    await database().query('alter policy jobtable_owners_view on granted using (true)')
    await database().query(`comment on policy jobtable_owners_view on granted is 'as it was once'`)
    await database().query(`select jobtable.add_facet('granted')`)
    await database().query('insert into granted select id from jobtable.job')
    expect(await roles().as(anna, 'select * from granted')).toHaveLength(1)
    await database().query('drop table granted')
  })

  test('has an owner listed by its index, in order unless there is sharing', async () => {
    await database().query(
      `insert into jobtable.job (type, owner) select 'work', 'other' from generate_series(1, 20000)`,
    )
    await database().query('analyze jobtable.job')
    const plan = async (): Promise<string> => {
      const rows = await roles().as(
        anna,
        'explain (costs off) select * from jobtable.job order by id desc limit 5',
      )
      return rows.map((row) => String(row['QUERY PLAN'])).join('\n')
    }
    await database().query('select jobtable.enable_isolation(sharing => false)')
    expect(await plan()).toMatch(/^Limit\n  ->  Index Scan Backward using job_owner_idx/)
    await isolate(database(), roles().groups)
    // Asked once a statement, not once a row.
    expect(await plan()).toContain('InitPlan')
    await database().query(`delete from jobtable.job where owner = 'other'`)
  })
})

test('disable_isolation() leaves nothing behind but the roles', async () => {
  await database().query('select jobtable.disable_isolation()')
  const [left] = await database().query<{ policies: string; rights: string; index: string | null }>(
    `select (select count(*) from pg_policy) as policies,
       (select count(*) from pg_shdepend d join pg_roles r on r.oid = d.refobjid
        where d.dbid = (select oid from pg_database where datname = current_database())
          and r.rolname = any ($1)) as rights,
       to_regclass('jobtable.job_owner_idx') as index`,
    [Object.values(roles().groups)],
  )
  expect(left).toEqual({ policies: '0', rights: '0', index: null })
  expect((await refusal(roles().as(anna, JOBS))).code).toBe('42501')
  await reinstall()
  expect((await refusal(roles().as(anna, JOBS))).code).toBe('42501')
  await isolate(database(), roles().groups)
})

test('a role that was dropped meanwhile is none, and is created again', async () => {
  const extra = `${roles().groups.reader}_too`
  const rename = `select jobtable.enable_isolation(reader => '${extra}')`
  await roles().admin(rename)
  await roles().admin(`drop owned by ${extra}; drop role ${extra}`)
  await reinstall()
  expect(await seenBy(anna)).toEqual([anna])
  await roles().admin(rename)
  await isolate(database(), roles().groups)
  await roles().admin(`drop role ${extra}`)
})

describe('job_share', () => {
  test('lets another owner view, then act, then nothing', async () => {
    const [row] = await roles().as<{ id: string }>(anna, 'select id from jobtable.job')
    const pause = `update jobtable.job set paused = true where id = ${row?.id} returning id`
    const share = async (level: string): Promise<void> => {
      await roles().commitAs(
        anna,
        `insert into jobtable.job_share (grantee, level) values ('${bert}', '${level}')
         on conflict (grantee, owner) do update set level = excluded.level`,
      )
    }
    await share('view')
    expect(await seenBy(bert)).toEqual([anna, bert])
    expect(await roles().as(bert, pause)).toEqual([])
    expect((await refusal(roles().as(bert, `select jobtable.cancel(${row?.id})`))).code).toBe(
      'JT025',
    )
    await share('act')
    expect(await roles().as(bert, pause)).toHaveLength(1)
    expect(await roles().as(bert, `select jobtable.cancel(${row?.id})`)).toEqual([
      { cancel: 'deleted' },
    ])
    await roles().commitAs(anna, 'delete from jobtable.job_share')
    expect(await seenBy(bert)).toEqual([bert])
  })

  test('of one owner, whatever it says, does not get in the way of another', async () => {
    await roles().commitAs(
      anna,
      `insert into jobtable.job_share (grantee)
       values ('role:'), ('role:"'), ('role:a.b'), ('role:' || repeat('x', 100)), ('role:''; --')`,
    )
    expect(await seenBy(bert)).toEqual([bert])
    await roles().commitAs(anna, 'delete from jobtable.job_share')
  })

  test('takes the members of a role', async () => {
    const group = roles().groups.reader
    await roles().commitAs(
      anna,
      `insert into jobtable.job_share (grantee) values ('role:${group}'), ('role:nobody')`,
    )
    expect(await seenBy(bert)).toEqual([bert])
    const carl = await roles().login('carl', 'submitter', 'reader')
    expect(await seenBy(carl)).toEqual([anna])
    await roles().commitAs(anna, 'delete from jobtable.job_share')
  })
})
