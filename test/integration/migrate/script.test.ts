import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { migrate, plan, renderSql, type SourceOptions } from '../../../src/migrate.ts'
import { createDatabase, type Database, expectNoLeaks } from '../../support/database.ts'
import { small, sqlFolder, without } from './sql-folder.ts'

// The script that `migrate --sql` prints must do what `migrate` does.
let direct: Database
let scripted: Database

beforeEach(async () => {
  direct = await createDatabase({ empty: true })
  scripted = await createDatabase({ empty: true })
})

afterEach(async () => {
  await expectNoLeaks(direct)
  await expectNoLeaks(scripted)
  await direct.drop()
  await scripted.drop()
})

/** The major version of a program of PostgreSQL's, 0 if it is not installed. */
function majorOf(program: string): number {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return Number(/\(PostgreSQL\) (\d+)/.exec(stdout ?? '')?.[1] ?? 0)
}

const hasPsql = majorOf('psql') > 0

async function printed(options?: SourceOptions): Promise<string> {
  return renderSql(await plan(scripted.pool, options))
}

/** Pipes a script into psql; returns its messages, which are none if all went well. */
function psql(script: string, ...options: readonly string[]): string {
  const { stderr } = spawnSync(
    'psql',
    ['--no-psqlrc', '--quiet', '-v', 'ON_ERROR_STOP=1', ...options, scripted.url],
    { input: script, encoding: 'utf8', env: { ...process.env, PGAPPNAME: 'psql', LC_ALL: 'C' } },
  )
  return stderr
}

/** The installer's books, but for the times. */
async function books(database: Database): Promise<unknown> {
  return database.query(`
    select package_version, routines_hash, objects, (
        select json_agg(to_jsonb(m) - 'applied_at' order by version)
        from jobtable_internal.migration m
      )
    from jobtable_internal.installed`)
}

/** All that the two schemas consist of, with comments and privileges. */
async function definitions(database: Database): Promise<unknown> {
  return database.query(`
    with member as (
      select 'pg_class'::regclass as catalog, oid as id, 0 as part, relacl::text as definition
      from pg_class where relnamespace::regnamespace::text like 'jobtable%'
      union all
      select 'pg_class'::regclass, attrelid, attnum,
        concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid))
      from pg_attribute a
      join pg_class c on c.oid = attrelid
      left join pg_attrdef d on (d.adrelid, d.adnum) = (attrelid, attnum)
      where c.relnamespace::regnamespace::text like 'jobtable%' and attnum > 0
      union all
      select 'pg_class'::regclass, c.oid, 0, pg_get_viewdef(c.oid)
      from pg_class c where relnamespace::regnamespace::text like 'jobtable%' and relkind = 'v'
      union all
      select 'pg_class'::regclass, indexrelid, 0, pg_get_indexdef(indexrelid)
      from pg_index join pg_class c on c.oid = indrelid
      where relnamespace::regnamespace::text like 'jobtable%'
      union all
      select 'pg_constraint'::regclass, oid, 0, pg_get_constraintdef(oid)
      from pg_constraint where connamespace::regnamespace::text like 'jobtable%'
      union all
      select 'pg_proc'::regclass, oid, 0, concat(pg_get_functiondef(oid), proacl)
      from pg_proc where pronamespace::regnamespace::text like 'jobtable%'
      union all
      select 'pg_trigger'::regclass, t.oid, 0, pg_get_triggerdef(t.oid)
      from pg_trigger t join pg_class c on c.oid = tgrelid
      where c.relnamespace::regnamespace::text like 'jobtable%' and not tgisinternal
    )
    select o.identity, definition, d.description
    from member
    cross join pg_identify_object(catalog, id, part) o
    left join pg_description d on (d.classoid, d.objoid, d.objsubid) = (catalog, id, part)
    order by 1, 2`)
}

const before = { ...small, 'functions/gone.sql': goneFunction('text') }
const after = {
  ...without(small, 'views/a_summary.sql'),
  'functions/gone.sql': goneFunction('integer'),
  'migrations/0002_other.sql': '--! breaking\ncreate table jobtable.other ();',
}

function goneFunction(parameter: string): string {
  return `create or replace function jobtable_internal.gone(${parameter}) returns text
language sql as $$ select '\\\\ :x ü' $$;`
}

test.skipIf(!hasPsql)('piped into psql it installs the same', async () => {
  await migrate({ connectionString: direct.url })

  expect(psql(await printed())).toBe('')

  expect(await books(scripted)).toStrictEqual(await books(direct))
  expect(await definitions(scripted)).toStrictEqual(await definitions(direct))
  expect(await printed()).toMatch(/^-- jobtable in database ".*" is up to date with [^\n]*\n$/)
})

test.skipIf(!hasPsql)('piped into psql it updates the same, savepoints or not', async () => {
  for (const files of [before, after]) {
    const options = await sqlFolder(files)
    await migrate({ connectionString: direct.url, ...options })
    expect(psql(await printed(options), '-v', 'ON_ERROR_ROLLBACK=on', '-v', 'x=1')).toBe('')
  }

  expect(await books(scripted)).toStrictEqual(await books(direct))
  expect(await definitions(scripted)).toStrictEqual(await definitions(direct))
  expect(await definitions(scripted)).not.toContainEqual(
    expect.objectContaining({ identity: 'jobtable_internal.gone(text)' }),
  )
})

test.skipIf(!hasPsql)('it refuses a database that has changed since it was printed', async () => {
  const install = await printed(await sqlFolder(before))
  expect(psql(install)).toBe('')
  expect(psql(install)).toMatch(/the database has changed since this was planned/)

  const update = await printed(await sqlFolder(after))
  expect(psql(update)).toBe('')
  expect(psql(update)).toMatch(/the database has changed since this was planned/)
})

test('its dump is the same', async ({ skip }) => {
  const [row] = await direct.query<{ major: number }>(
    `select current_setting('server_version_num')::integer / 10000 as major`,
  )
  const comparable = hasPsql && majorOf('pg_dump') >= (row?.major ?? 0)
  skip(!comparable, 'needs psql, and a pg_dump no older than the server')
  await migrate({ connectionString: direct.url })
  psql(await printed())
  expect(dump(scripted)).toStrictEqual(dump(direct))
})

function dump(database: Database): string[] {
  const { stdout, stderr } = spawnSync('pg_dump', ['--schema-only', database.url], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  expect(stderr).toBe('')
  // Newer versions put a random word against injected commands into every dump.
  return stdout.split('\n').filter((line) => !/^\\(un)?restrict /.test(line))
}
