import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Executor } from '../../src/executor.ts'
import { loadExecutors } from '../../src/loader.ts'
import { useDatabase } from '../support/database.ts'
import { refusal } from '../support/refusal.ts'
import { createTemporaryDir } from '../support/temporary.ts'
import { allFinished, cleanUpAfterEach, startWorker, until } from '../support/worker.ts'

const EXECUTORS = fileURLToPath(new URL('../../executors', import.meta.url))

const database = useDatabase()
cleanUpAfterEach(database)

let executors: readonly Executor[]
let folder: string

beforeAll(async () => {
  executors = await loadExecutors(EXECUTORS)
  folder = await createTemporaryDir()
})

afterAll(async () => await rm(folder, { recursive: true, force: true }))

beforeEach(async () => {
  await database().query('drop schema if exists target cascade')
  await database().query('create schema target')
})

async function write(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

/** Starts a worker unless one runs, inserts a job and returns its report when it has ended. */
async function run(type: string, payload: object): Promise<Record<string, unknown>> {
  const worker = await startWorker(database(), { executors })
  const [inserted] = await database().query<{ id: string }>(
    'insert into jobtable.job (type, payload) values ($1, $2) returning id',
    [type, payload],
  )
  await allFinished(database())
  await worker.stop()
  const [report] = await database().query('select * from jobtable.job_report where id = $1', [
    inserted?.id,
  ])
  return report ?? {}
}

const imports = async (payload: object): Promise<Record<string, unknown>> =>
  await run('import_csv', payload)

const AWKWARD = '\uFEFFid,"the name, quoted","with ""quotes"""\r\n1,"a, b",\r\n2,"c\r\nd",é\r\n'

describe('import_csv', () => {
  test('makes a table of a file with quotes, line ends, a byte order mark and no values', async () => {
    const path = await write('awkward.csv', AWKWARD)
    const columns = { id: 'integer' }
    const report = await imports({ path, table: 'target.Awkward "1"', columns })

    expect(report).toMatchObject({ status: 'completed', fraction: 1 })
    expect(report['result']).toEqual({
      table_name: 'target.Awkward "1"',
      file: path,
      bytes: Buffer.byteLength(AWKWARD),
      rows: 2,
    })
    const rows = await database().query('select * from target."Awkward ""1""" order by id')
    expect(rows).toEqual([
      { id: 1, 'the name, quoted': 'a, b', 'with "quotes"': null },
      { id: 2, 'the name, quoted': 'c\r\nd', 'with "quotes"': 'é' },
    ])
    expect(await database().query('select job, table_name, rows from public.import_csv')).toEqual([
      { job: report['id'], table_name: 'target.Awkward "1"', rows: '2' },
    ])
  })

  test('takes another delimiter', async () => {
    const path = await write('tabs.csv', 'a\tb\n1\t"2\t3"\n')
    await imports({ path, table: 'target.tabs', delimiter: '\t' })
    expect(await database().query('select * from target.tabs')).toEqual([{ a: '1', b: '2\t3' }])
  })

  test('replaces a table, appends to one, and otherwise leaves one alone', async () => {
    const table = 'target.numbers'
    const rows = async (): Promise<unknown> =>
      await database().query('select * from target.numbers order by 1')

    const first = await write('first.csv', 'n\n1\n')
    await imports({ path: first, table })
    const refused = await imports({ path: first, table })
    expect(refused).toMatchObject({ status: 'failed' })
    expect(refused['error_message']).toContain('"mode": "replace"')
    expect(await rows()).toEqual([{ n: '1' }])

    const second = await write('second.csv', 'n\n2\n')
    await imports({ path: second, table, mode: 'replace', columns: { n: 'int' } })
    expect(await rows()).toEqual([{ n: 2 }])

    await imports({ path: second, table, mode: 'append' })
    expect(await rows()).toEqual([{ n: 2 }, { n: 2 }])
  })

  test('a table that is replaced stays as it was when the new one fails', async () => {
    const table = 'target.numbers'
    await imports({ path: await write('good.csv', 'n\n1\n'), table })
    const path = await write('bad.csv', 'n\n1\nx\n')
    const report = await imports({ path, table, mode: 'replace', columns: { n: 'int' } })
    expect(report['status']).toBe('failed')
    expect(await database().query('select * from target.numbers')).toEqual([{ n: '1' }])
    expect(await tables()).toEqual(['numbers'])
  })

  test('names file, line and column of what PostgreSQL cannot take', async () => {
    const path = await write('bad.csv', 'id,n\n1,1\n2,many\n')
    const report = await imports({ path, table: 'target.bad', columns: { n: 'integer' } })
    expect(report).toMatchObject({
      status: 'failed',
      error_message: `${path}, line 3, column "n": invalid input syntax for type integer: "many"`,
    })
    expect(await tables()).toEqual([])

    const short = await write('short.csv', 'id,n\n1\n')
    expect(await imports({ path: short, table: 'target.bad' })).toMatchObject({
      error_message: `${short}, line 2: missing data for column "n"`,
    })
  })

  test.each([
    ['does not exist', 'missing.csv', undefined, /missing\.csv cannot be read: ENOENT/],
    ['is a folder', '.', undefined, /cannot be read: it is not a file/],
    ['is empty', 'empty.csv', '', /empty\.csv, line 1: column 1 has no name/],
    ['leaves a column without a name', 'nameless.csv', 'a,,b\n', /line 1: column 2 has no name/],
    ['leaves a quote open', 'open.csv', '"a,b\n1,2\n', /open\.csv, line 1: does not end/],
  ])('a file that %s is refused', async (_what, name, content, message) => {
    const path = content === undefined ? join(folder, name) : await write(name, content)
    const report = await imports({ path, table: 'target.none' })
    expect(report['status']).toBe('failed')
    expect(report['error_message']).toMatch(message)
  })

  test.each([
    [{ columns: { x: 'text' } }, /has no column "x", but a/],
    [{ columns: { a: 'int); drop schema target; --' } }, /column "a": PostgreSQL has no type/],
    [{ columns: { a: 'int' }, mode: 'append' }, /payload columns: are those of a new table/],
  ])('payload %j is refused', async (wrong, message) => {
    const path = await write('one.csv', 'a\n1\n')
    const report = await imports({ path, table: 'target.none', ...wrong })
    expect(report['status']).toBe('failed')
    expect(report['error_message']).toMatch(message)
    expect(await tables()).toEqual([])
  })

  test.each([
    [{ table: 'a.b.c' }, /payload\.table: expected a match/],
    [{ delimiter: '"' }, /payload\.delimiter: expected/],
  ])('payload %j is refused at INSERT', async (wrong, detail) => {
    const insert = imports({ path: 'one.csv', table: 'target.none', ...wrong })
    expect(await refusal(insert)).toMatchObject({
      code: 'JT002',
      detail: expect.stringMatching(detail),
    })
  })

  test('stops when it is cancelled, and leaves nothing', async () => {
    // More than the sockets between us and PostgreSQL hold, and a table that lets no row in.
    const path = await write('large.csv', `n\n${'0123456789abcdef\n'.repeat(2 ** 21)}`)
    await database().query('create table target.slow (n text)')
    await database().query(
      `create function target.hold() returns trigger language plpgsql as
       'begin perform pg_advisory_xact_lock_shared(4711); return new; end'`,
    )
    await database().query(
      'create trigger hold before insert on target.slow for each row execute function target.hold()',
    )
    const holder = await database().pool.connect()
    try {
      await holder.query('select pg_advisory_lock(4711)')
      const worker = await startWorker(database(), { executors })
      await database().query('insert into jobtable.job (type, payload) values ($1, $2)', [
        'import_csv',
        { path, table: 'target.slow', mode: 'append' },
      ])
      await until(
        database(),
        "exists (select from pg_locks where locktype = 'advisory' and not granted)",
      )
      await database().query('update jobtable.job set cancel_requested = true')
      await holder.query('select pg_advisory_unlock(4711)')
      await allFinished(database())
      await worker.stop()
    } finally {
      holder.release()
    }
    expect(await database().query('select status from jobtable.job')).toEqual([
      { status: 'cancelled' },
    ])
    expect(await database().query('select from target.slow limit 1')).toEqual([])
  })
})

describe('city_report', () => {
  const CITIES = `name,country,population,latitude
Alert,CA,62,82.5
Ottawa,CA,812129,45.4
Ushuaia,AR,82615,-54.8
"Villa Las Estrellas",AQ,150,-62.2
`
  const columns = { population: 'integer', latitude: 'float8' }

  test('reports what import_csv has imported', async () => {
    const path = await write('cities.csv', CITIES)
    await imports({ path, table: 'target.city', columns })
    const report = await run('city_report', { table: 'target.city', top: 2 })

    expect(report['status']).toBe('completed')
    expect(report['result']).toEqual({
      cities: 4,
      countries: 3,
      population: 894_956,
      largest: [
        { name: 'Ottawa', country: 'CA', population: 812_129 },
        { name: 'Ushuaia', country: 'AR', population: 82_615 },
      ],
      northernmost: { name: 'Alert', country: 'CA', population: 62, latitude: 82.5 },
      southernmost: {
        name: 'Villa Las Estrellas',
        country: 'AQ',
        population: 150,
        latitude: -62.2,
      },
      by_country: [
        { country: 'CA', cities: 2, population: 812_191 },
        { country: 'AQ', cities: 1, population: 150 },
      ],
    })
    expect(await database().query('select * from public.city_report')).toEqual([
      { job: report['id'], cities: '4', countries: '3', population: '894956' },
    ])
  })

  test('reports that there is nothing', async () => {
    await database().query(
      'create table target.city (name text, country text, population int, latitude float8)',
    )
    const { result } = await run('city_report', { table: 'target.city' })
    expect(result).toEqual({
      cities: 0,
      countries: 0,
      population: 0,
      largest: [],
      northernmost: null,
      southernmost: null,
      by_country: [],
    })
  })
})

test('a setup runs at every registration, of many workers at once too, and its fault is named', async () => {
  await database().query('drop table if exists public.import_csv, public.city_report')
  const workers = await Promise.all(
    Array.from({ length: 8 }, async () => await startWorker(database(), { executors })),
  )
  await Promise.all(workers.map(async (worker) => await worker.stop()))
  const [broken] = executors.map((executor) => ({ ...executor, setup: 'create nonsense' }))
  const start = startWorker(database(), { executors: broken === undefined ? [] : [broken] })
  await expect(start).rejects.toThrow(
    `executor "${broken?.type}": its setup failed: syntax error at or near "nonsense"`,
  )
})

async function tables(): Promise<unknown[]> {
  const rows = await database().query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'target'::regnamespace",
  )
  return rows.map(({ name }) => name)
}
