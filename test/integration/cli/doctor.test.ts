import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Finding } from '../../../src/cli/doctor/finding.ts'
import { registerType } from '../../../src/queries/registration.ts'
import { EXECUTORS, endCommandsAfterEach, runCli, startCli } from '../../support/cli.ts'
import { createDatabase, type Database, useDatabase } from '../../support/database.ts'
import { addTypes, insertJob } from '../../support/job.ts'
import { hasPooler, startPooler } from '../../support/pooler.ts'
import { isRequired } from '../../support/required.ts'
import { startPrivateServer } from '../../support/server.ts'
import { until } from '../../support/worker.ts'

const database = useDatabase()
endCommandsAfterEach()

/** What doctor finds, be it good or bad. */
async function findings(of: Database): Promise<Finding[]> {
  const { stdout } = await runCli(['doctor', '--json'], { env: { DATABASE_URL: of.url } })
  return JSON.parse(stdout) as Finding[]
}

/** What doctor finds wrong with a database. */
async function faults(of: Database, ...args: string[]): Promise<Finding[]> {
  const { code, stdout, stderr } = await runCli(['doctor', '--json', ...args], {
    env: { DATABASE_URL: of.url },
  })
  if (stderr !== '') throw new Error(stderr)
  const findings = JSON.parse(stdout) as Finding[]
  const faults = findings.filter(({ verdict }) => verdict === 'fault')
  if (code !== (faults.length > 0 ? 1 : 0)) throw new Error(`exit code ${code}: ${stdout}`)
  return faults
}

test('finds nothing wrong with a queue at rest: exit code 0', async () => {
  expect(await faults(database())).toEqual([])
  const { stdout } = await runCli(['doctor'], { env: { DATABASE_URL: database().url } })
  expect(stdout).toMatch(/^ok {7}jobtable in database /)
})

describe('schema', () => {
  test('missing', async () => {
    await using empty = await createDatabase({ empty: true })
    expect(await faults(empty)).toMatchObject([
      { check: 'schema', remedy: 'run "jobtable migrate"' },
    ])
  })

  test.each([
    ['older functions', "update jobtable_internal.installed set routines_hash = 'other'"],
    [
      'a changed migration',
      "update jobtable_internal.migration set checksum = 'other' where version = 1",
    ],
    [
      'a newer, breaking one',
      `insert into jobtable_internal.migration (version, name, checksum, breaking)
       values (99, 'later', '', true)`,
    ],
  ])('%s', async (_name, plant) => {
    await using planted = await createDatabase()
    await planted.query(plant)
    const [fault, ...others] = await faults(planted)
    expect(others).toEqual([])
    expect(fault).toMatchObject({ check: 'schema' })
    expect(fault?.remedy).toBeTruthy()
  })
})

test('warns of types that are halted, or set by hand to other than declared', async () => {
  await using planted = await createDatabase()
  for (const name of ['held', 'off', 'moved']) {
    await registerType(planted.pool, name, { priority: 2 })
  }
  await planted.query(
    `update jobtable.job_type set paused = name = 'held', enabled = name <> 'off',
       priority = case name when 'moved' then 7 else priority end,
       payload_schema = case name when 'moved' then '{"minProperties": 1}'::jsonb end`,
  )
  await planted.query(
    `insert into jobtable.job_type (name, payload_schema) values ('by hand', '{"minProperties": 1}')`,
  )
  const warnings = (await findings(planted)).filter(({ verdict }) => verdict === 'warning')
  expect(warnings.map(({ check, fact }) => [check, fact])).toEqual([
    ['halted_type', 'type "held" is paused: none of its jobs is claimed'],
    ['halted_type', 'type "off" is disabled: none of its jobs is claimed'],
    [
      'overridden_type',
      'payload_schema of type "moved" is set by hand: what its executor declares is left aside',
    ],
    ['overridden_type', 'priority of type "moved" is set to 7; its executor declares 2'],
  ])
  expect(warnings[2]?.remedy).toContain(`select jobtable.reset_type('moved', 'payload_schema')`)
  expect(warnings[3]?.remedy).toContain(`select jobtable.reset_type('moved', 'priority')`)
})

describe('workers', () => {
  test('waiting jobs, due ones too, of a type that no live worker runs', async () => {
    await addTypes(database(), 'lonely', 'late')
    const lonely = await insertJob(database(), 'lonely')
    const late = await insertJob(database(), 'late', { run_at: '2099-01-01' })
    expect(await faults(database())).toMatchObject([
      { check: 'live_worker', fact: expect.stringContaining('"lonely", of which 1 job waits') },
    ])
    await database().query('update jobtable.job set run_at = now() where id = $1', [late])
    expect(await faults(database())).toHaveLength(2)
    await database().query('delete from jobtable.job where id = any ($1)', [[lonely, late]])
    expect(await faults(database())).toEqual([])
  })

  test('jobs held by a worker that was killed', async () => {
    await using planted = await createDatabase()
    const worker = startCli(['worker', '--executors', EXECUTORS], {
      env: { DATABASE_URL: planted.url },
    })
    await worker.line('worker started')
    const id = await insertJob(planted, 'hang')
    await until(planted, "exists (select from jobtable.job where status = 'started')")
    expect(await faults(planted)).toEqual([])
    worker.child.kill('SIGKILL')
    await worker.ended
    await planted.query("update jobtable.worker set seen_at = seen_at - interval '1 minute'")
    expect(await faults(planted)).toMatchObject([
      { check: 'held_jobs', fact: expect.stringContaining(`holds 1 unfinished job: ${id}`) },
    ])
  })
})

describe('LISTEN', () => {
  test('at a place where notifications of the queue do not arrive', async () => {
    await using elsewhere = await createDatabase({ empty: true })
    expect(await faults(database(), '--listen-url', elsewhere.url)).toMatchObject([
      { check: 'wake_up', fact: expect.stringContaining('do not arrive') },
    ])
  })

  test('at a place that cannot be reached', async () => {
    const url = new URL(database().url)
    url.port = '1'
    const [fault] = await faults(database(), '--listen-url', url.href)
    expect(fault).toMatchObject({ check: 'wake_up', fact: expect.stringContaining('ECONNREFUSED') })
    expect(JSON.stringify(fault)).not.toContain(url.password)
  })

  test.runIf(hasPooler || isRequired('pgbouncer'))(
    'through a pooler in transaction mode, unless told where to listen',
    async () => {
      await using pooler = await startPooler(database().url)
      const pooled = { ...database(), url: pooler.url }
      expect(await faults(pooled)).toMatchObject([{ check: 'wake_up' }])
      expect(await faults(pooled, '--listen-url', database().url)).toEqual([])
    },
  )
})

describe('vacuum', () => {
  test('a transaction open for long', async () => {
    const client = await database().pool.connect()
    onTestFinished(() => client.release())
    await client.query('begin isolation level repeatable read')
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    expect(await faults(database())).toEqual([])
    expect(await faults(database(), '--snapshot-age', '0')).toMatchObject([
      {
        check: 'snapshot',
        fact: expect.stringContaining(`process ${rows[0]?.pid} (jobtable-test`),
        remedy: expect.stringContaining('pg_terminate_backend'),
      },
    ])
    await client.query('rollback')
  })

  test('a prepared transaction', async () => {
    const [row] = await database().query("select current_setting('max_prepared_transactions') as n")
    if (row?.['n'] === '0') return
    const gid = `it's ${database().name}`
    const client = await database().pool.connect()
    onTestFinished(() => client.release())
    await client.query('begin; create table prepared_table ()')
    await client.query(`prepare transaction ${client.escapeLiteral(gid)}`)
    const [fault] = await faults(database(), '--snapshot-age', '0')
    expect(fault?.fact).toContain(`the transaction "${gid}"`)
    expect(fault?.remedy).toContain('rollback prepared')
    await client.query(`rollback prepared ${client.escapeLiteral(gid)}`)
  })

  test('autovacuum off for a table', async () => {
    await using planted = await createDatabase()
    await planted.query('alter table jobtable.job set (autovacuum_enabled = off)')
    expect(await faults(planted)).toMatchObject([
      { check: 'autovacuum', fact: 'autovacuum is off for jobtable.job' },
    ])
  })

  test('autovacuum off for the server', async () => {
    await using running = await startPrivateServer({ settings: { autovacuum: 'off' } })
    await using planted = await createDatabase({ server: running.server })
    expect(await faults(planted)).toMatchObject([
      { check: 'autovacuum', fact: 'the server runs with autovacuum = off' },
    ])
  })
})

describe('oddities', () => {
  test('the clock of tests left on, and ids behind', async () => {
    await using planted = await createDatabase()
    await addTypes(planted, 'any')
    await insertJob(planted, 'any', { paused: true })
    await planted.query('alter sequence jobtable.job_id_seq restart')
    const url = `${planted.url}?options=-c%20jobtable.now%3D2020-01-01`
    const checks = (await faults({ ...planted, url })).map(({ check }) => check)
    expect(checks).toEqual(['clock', 'sequence'])
  })
})

test('ends when its output is closed', async () => {
  const { child, ended } = startCli(['doctor'], { env: { DATABASE_URL: database().url } })
  child.stdout?.destroy()
  await Promise.all([once(child, 'exit'), ended])
  expect(child.signalCode).toBeNull()
})
