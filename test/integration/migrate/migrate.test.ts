import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkSchema, migrate, requireSchema } from '../../../src/migrate.ts'
import { createDatabase, type Database, expectNoLeaks } from '../../support/database.ts'
import { refused } from './refused.ts'
import { small, sqlFolder, without } from './sql-folder.ts'

let database: Database

beforeEach(async () => {
  database = await createDatabase({ empty: true })
})

afterEach(async () => {
  await expectNoLeaks(database)
  await database.drop()
})

/** Every function, trigger and view, with what differs after each re-creation. */
async function objects(): Promise<Record<string, string>> {
  const rows = await database.query<{ object: string; row_version: string }>(
    'select * from jobtable_internal.installed_objects()',
  )
  return Object.fromEntries(rows.map((row) => [row.object, row.row_version]))
}

async function migrations(): Promise<unknown[]> {
  return database.query(
    'select version, name, breaking from jobtable_internal.migration order by version',
  )
}

async function schemas(): Promise<unknown[]> {
  return database.query(`select from pg_namespace where nspname like 'jobtable%'`)
}

describe('the package', () => {
  test('installs itself, and the second time finds nothing to do', async () => {
    const connectionString = database.url
    const first = await migrate({ connectionString })
    expect(first).toMatchObject({ found: 'missing' })
    expect(first.message).toMatch(/^jobtable in database ".*" is up to date with /)
    const before = await objects()

    const steps: string[] = []
    const second = await migrate({ connectionString, onStep: ({ name }) => steps.push(name) })

    expect(second).toStrictEqual({ found: 'ok', message: first.message, steps: [] })
    expect(steps).toStrictEqual([])
    expect(await objects()).toStrictEqual(before)
  })

  test('is installed once by twenty installers at the same time', async () => {
    // The default of the database must not let an installer read a state from before its turn.
    await database.query(
      `alter database ${database.name} set default_transaction_isolation = 'repeatable read'`,
    )
    await database.query(`alter database ${database.name} set default_transaction_read_only = on`)

    const results = await Promise.all(
      Array.from({ length: 20 }, () => migrate({ connectionString: database.url })),
    )

    const found = results.map((result) => result.found).toSorted()
    expect(found).toStrictEqual(['missing', ...Array.from({ length: 19 }, () => 'ok')])
  })

  test('a dry run names the steps and changes nothing', async () => {
    const connectionString = database.url
    const { message, steps } = await migrate({ connectionString, dryRun: true })

    expect(message).toMatch(/ is not installed; run "jobtable migrate"$/)
    expect(steps).toContain('grants.sql')
    expect(await schemas()).toStrictEqual([])
    expect((await migrate({ connectionString })).steps).toStrictEqual(steps)
  })
})

describe('a new version', () => {
  test('applies what is new, and replaces functions, triggers and views in place', async () => {
    const connectionString = database.url
    await migrate({ connectionString, ...(await sqlFolder()) })
    await database.query(
      `create view public.mine as
       select label as mine, jobtable.label(7) as seventh from jobtable.b_detail`,
    )
    await database.query('grant execute on function jobtable.label to public')
    const next = await sqlFolder(
      {
        ...small,
        'migrations/0002_other.sql': '--! breaking\ncreate table jobtable.other ();',
        'functions/label.sql': small['functions/label.sql'].replace('thing', 'part'),
        'views/b_detail.sql': small['views/b_detail.sql'].replace(' from', ', t.name from'),
      },
      '1.1.0',
    )

    const { found, steps } = await migrate({ connectionString, ...next })

    expect(found).toBe('behind')
    expect(steps).not.toContain('migrations/0001_thing.sql')
    expect(steps).toContain('migrations/0002_other.sql')
    expect(await migrations()).toStrictEqual([
      { version: 1, name: 'thing', breaking: false },
      { version: 2, name: 'other', breaking: true },
    ])
    await database.query('insert into jobtable.thing (id) values (7)')
    expect(await database.query('select * from jobtable.b_detail, public.mine')).toMatchObject([
      { id: '7', label: 'part 7', mine: 'part 7', seventh: 'part 7', name: String.raw`it's \1` },
    ])
  })

  test('drops what it no longer has, but nothing of the user', async () => {
    const connectionString = database.url
    const aloud = `--! requires: label
create or replace function jobtable.aloud(id bigint) returns text
language sql return upper(jobtable.label(id));`
    await migrate({
      connectionString,
      ...(await sqlFolder({ ...small, 'functions/aloud.sql': aloud })),
    })
    await database.query(
      `create function jobtable.mine() returns trigger language plpgsql as 'begin return new; end';
       create trigger mine before insert on jobtable.thing
       for each row execute function jobtable.mine()`,
    )
    const next = await sqlFolder(
      {
        ...without(small, 'functions/guard.sql', 'views/a_summary.sql', 'views/b_detail.sql'),
        'functions/label.sql': small['functions/label.sql'].replace('id bigint', 'id integer'),
      },
      '1.1.0',
    )

    await migrate({ connectionString, ...next })

    expect(Object.keys(await objects()).toSorted()).toStrictEqual([
      'function jobtable.default_name()',
      'function jobtable.label(integer)',
      'function jobtable.mine()',
      'function jobtable_internal.installed_objects()',
      expect.stringMatching(/^function jobtable_internal\.record_installation\(/),
      'trigger mine on jobtable.thing',
    ])
  })

  test('does not drop what something of the user depends on', async () => {
    const connectionString = database.url
    await migrate({ connectionString, ...(await sqlFolder()) })
    await database.query('create view public.mine as select * from jobtable.a_summary')
    const before = await objects()
    const next = await sqlFolder(without(small, 'views/a_summary.sql'), '1.1.0')

    const error = await refused(migrate({ connectionString, ...next }))

    expect(error.code).toBe('in_use')
    expect(error.message).toMatch(/view (public\.)?mine depends on view jobtable\.a_summary/)
    expect(await objects()).toStrictEqual(before)
  })

  test('with the same functions only records its version', async () => {
    const connectionString = database.url
    await migrate({ connectionString, ...(await sqlFolder(small, '1.9.0')) })
    const before = await objects()

    const newer = await migrate({ connectionString, ...(await sqlFolder(small, '1.10.0')) })
    const older = await migrate({ connectionString, ...(await sqlFolder(small, '1.9.0')) })

    expect([newer.steps, older.steps]).toStrictEqual([['record the version'], []])
    expect(await objects()).toStrictEqual(before)
    expect(await database.query('select package_version from jobtable_internal.installed')).toEqual(
      [{ package_version: '1.10.0' }],
    )
  })

  test('a migration that fails leaves everything as it was, and says where', async () => {
    const connectionString = database.url
    await migrate({ connectionString, ...(await sqlFolder()) })
    const next = await sqlFolder({
      ...small,
      'migrations/0002_bad.sql': 'create table jobtable.other ();\n\nselect 1 from nowhere;',
    })

    const error = await refused(migrate({ connectionString, ...next }))

    expect(error.code).toBe('step_failed')
    expect(error.message).toMatch(/^migrations\/0002_bad\.sql failed in line 3: .*"nowhere"/)
    expect(await database.query(`select to_regclass('jobtable.other') as it`)).toEqual([
      { it: null },
    ])
    expect(await migrations()).toHaveLength(1)
  })

  test('a return type that changes without a migration is refused', async () => {
    const connectionString = database.url
    await migrate({ connectionString, ...(await sqlFolder()) })
    const next = await sqlFolder({
      ...small,
      'functions/default_name.sql': small['functions/default_name.sql'].replace('text', 'name'),
    })

    const error = await refused(migrate({ connectionString, ...next }))

    expect(error.code).toBe('not_replaceable')
  })
})

describe('history', () => {
  test('an applied migration whose file has changed is refused', async () => {
    await migrate({ connectionString: database.url, ...(await sqlFolder()) })
    const changed = await sqlFolder({
      ...small,
      'migrations/0001_thing.sql': `${small['migrations/0001_thing.sql']} -- better`,
    })

    const error = await refused(migrate({ connectionString: database.url, ...changed }))

    expect(error.code).toBe('checksum_mismatch')
    expect(error.message).toMatch(/^migration 1 \(thing\) in .* sql\/migrations\/0001_thing\.sql/)
  })

  test('Windows line ends are no change', async () => {
    await migrate({ connectionString: database.url, ...(await sqlFolder()) })
    const windows = Object.fromEntries(
      Object.entries(small).map(([path, sql]) => [path, sql.replaceAll('\n', '\r\n')]),
    )
    const { found } = await migrate({
      connectionString: database.url,
      ...(await sqlFolder(windows)),
    })
    expect(found).toBe('ok')
  })

  test('a migration that was passed over is refused', async () => {
    const files = { ...small, 'migrations/0002_other.sql': 'create table jobtable.other ();' }
    await migrate({ connectionString: database.url, ...(await sqlFolder(files)) })
    const gap = async (version: number): Promise<string> => {
      await database.query('delete from jobtable_internal.migration where version = $1', [version])
      const older = await sqlFolder(files, '0.9.0')
      const error = await refused(migrate({ connectionString: database.url, ...older }))
      expect(error.code).toBe('history_gap')
      return error.message
    }

    expect(await gap(1)).toContain('is missing, although migration 2 has been installed')
    expect(await gap(2)).toContain(
      'is missing, although the newer version 1.0.0 has been installed',
    )
  })
})

test('a worker starts on what fits its version, and else is told what to do', async () => {
  const connectionString = database.url
  const required = await sqlFolder()
  const missing = await refused(requireSchema(database.pool, required))
  await migrate({ connectionString, ...required })
  await requireSchema(database.pool, required)
  const next = await sqlFolder(without(small, 'functions/guard.sql'), '1.1.0')
  const behind = await refused(requireSchema(database.pool, next))
  await migrate({ connectionString, ...next })
  await requireSchema(database.pool, required)

  expect([missing.code, behind.code]).toStrictEqual(['schema_missing', 'schema_behind'])
  expect(missing.message).toMatch(
    /^jobtable in database ".*" is not installed; run "jobtable migrate"$/,
  )
  expect(behind.message).toMatch(
    / has functions of 1\.0\.0 that differ from those of this 1\.1\.0; /,
  )
})

describe('a newer database', () => {
  const later = 'create table jobtable.later ();'

  test('is refused if a migration breaks this version', async () => {
    const connectionString = database.url
    const newer = await sqlFolder(
      {
        ...small,
        'migrations/0002_breaks.sql': `--! breaking\n${later}`,
        'migrations/0003_more.sql': 'create table jobtable.more ();',
      },
      '2.0.0',
    )
    await migrate({ connectionString, ...newer })
    const before = await objects()

    const old = await sqlFolder(small, '1.0.0')
    const error = await refused(migrate({ connectionString, ...old }))

    expect(error.code).toBe('schema_ahead')
    expect((await refused(requireSchema(database.pool, old))).message).toBe(error.message)
    expect(error.message).toMatch(/ has migration 2 \(breaks\), which 1\.0\.0 cannot work with; /)
    expect(error.message).toMatch(/; use jobtable 2\.0\.0 or newer$/)
    expect(await objects()).toStrictEqual(before)
    expect(await checkSchema(database.pool, old)).toStrictEqual({
      status: 'ahead-breaking',
      message: error.message,
    })
  })

  test('is left as it is if no migration breaks this version', async () => {
    const connectionString = database.url
    const files = { ...small, 'migrations/0002_more.sql': later }
    await migrate({ connectionString, ...(await sqlFolder(files, '2.0.0')) })
    const before = await objects()

    const old = await sqlFolder(without(small, 'functions/guard.sql'), '1.0.0')

    expect(await migrate({ connectionString, ...old })).toMatchObject({
      found: 'ahead-compatible',
      steps: [],
    })
    expect(await objects()).toStrictEqual(before)
    expect(await checkSchema(database.pool, old)).toMatchObject({ status: 'ahead-compatible' })
  })

  test('keeps its functions if only they are newer', async () => {
    const connectionString = database.url
    await migrate({ connectionString, ...(await sqlFolder(small, '1.10.0')) })
    const old = await sqlFolder(without(small, 'functions/guard.sql'), '1.10.0-rc.2')

    expect(await migrate({ connectionString, ...old })).toMatchObject({
      found: 'ahead-compatible',
      steps: [],
    })
    expect(Object.keys(await objects())).toContain('trigger guard on jobtable.thing')
  })
})
