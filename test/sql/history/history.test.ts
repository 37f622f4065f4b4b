import { expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJob, insertJobs } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession } from '../../support/session.ts'
import { outcome, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

async function withHistory(...names: readonly string[]): Promise<void> {
  await addTypes(database(), ...names)
  await database().query('update jobtable.job_type set history = true where name = any ($1)', [
    names,
  ])
}

/** What is told of a job: who, from where, to where, and what else. */
async function eventsOf(id: string): Promise<unknown[]> {
  const rows = await database().query<{ event: unknown[] }>(
    `select jsonb_build_array(actor, from_status, to_status, detail) as event
     from jobtable.job_event where job = $1 order by id`,
    [id],
  )
  return rows.map(({ event }) => event)
}

async function triggers(): Promise<string[]> {
  const rows = await database().query<{ name: string }>(
    `select tgname as name from pg_trigger where tgrelid = 'jobtable.job'::regclass
       and tgname ~ '^(record_history|notify_live)_' order by 1`,
  )
  return rows.map(({ name }) => name)
}

test('a job of a type with history: inserted, edited, run, cancelled, resubmitted, deleted', async () => {
  await withHistory('told')
  const ticker = await startTicker(database(), 'told')
  await using alice = await openSession(database())
  await alice.query(`set jobtable.owner = 'alice'`)
  const id = await insertJob(alice, 'told')
  await alice.query(`update jobtable.job set priority = -5, title = 'T' where id = $1`, [id])
  const [job] = await ticker.claim()
  if (job === undefined) throw new Error('nothing was claimed')
  await alice.query('update jobtable.job set cancel_requested = true where id = $1', [id])
  await ticker.finish([outcome(job, 'failed', { detail: 'it broke' })])
  await alice.query(`update jobtable.job set status = 'new' where id = $1`, [id])
  await alice.query('delete from jobtable.job where id = $1', [id])
  const worker = `worker ${ticker.id}`
  expect(await eventsOf(id)).toEqual([
    ['alice', null, 'new', null],
    ['alice', 'new', 'new', { priority: { from: null, to: -5 }, title: { from: null, to: 'T' } }],
    [worker, 'new', 'started', { attempt: 1 }],
    ['alice', 'started', 'started', { cancel_requested: { from: false, to: true } }],
    [worker, 'started', 'cancelled', { attempt: 1, status_detail: 'it broke' }],
    ['alice', 'cancelled', 'new', null],
    ['alice', 'new', null, null],
  ])
})

test('a job given back, and one that is purged', async () => {
  await withHistory('back')
  const ticker = await startTicker(database(), 'back')
  const id = await insertJob(database(), 'back')
  const worker = `worker ${ticker.id}`
  for (const end of ['released', 'completed'] as const) {
    const [job] = await ticker.claim()
    if (job === undefined) throw new Error('nothing was claimed')
    await ticker.finish([outcome(job, end)])
  }
  await using later = await openSession(database())
  await later.query(`set jobtable.now = '2100-01-01'; select jobtable_internal.purge(100)`)
  expect((await eventsOf(id)).slice(1)).toEqual([
    [worker, 'new', 'started', { attempt: 1 }],
    [worker, 'started', 'new', { attempt: 1 }],
    [worker, 'new', 'started', { attempt: 2 }],
    [worker, 'started', 'completed', { attempt: 2 }],
    ['queue', 'completed', null, null],
  ])
})

test('without jobtable.owner the actor is the role, also one that was set', async () => {
  await withHistory('role')
  await using session = await openSession(database())
  const [row] = await session.query<{ role: string }>('select session_user as role')
  const id = await insertJob(session, 'role')
  expect(await eventsOf(id)).toEqual([[row?.role, null, 'new', null]])
})

test('each column that a client may steer is told when it is edited', async () => {
  const edited = await database().query<{ name: string; told: string[] }>(
    `select a.attname as name, array(select jsonb_object_keys(jobtable_internal.edited(
       jsonb_populate_record(null::jobtable.job, '{}'),
       jsonb_populate_record(null::jobtable.job, jsonb_build_object(a.attname, case
         when a.attname = 'run_at' then '"2000-01-01"'
         when a.atttypid = 'jsonb'::regtype then '{}'
         when a.atttypid = 'boolean'::regtype then 'true'
         else '"1"'
       end::jsonb))
     ))) as told
     from jobtable_internal.isolation_grants() g
     join pg_attribute a on a.attrelid = 'jobtable.job'::regclass
       and a.attname = any (regexp_split_to_array(substring(g.privileges from '\\((.*)\\)'), ', *'))
     where g.object = 'table jobtable.job' and g.privileges like 'update%' and a.attname <> 'status'`,
  )
  expect(edited.length).toBeGreaterThan(8)
  for (const { name, told } of edited) expect(told).toEqual([name])
})

test('a large value is told by its size', async () => {
  await withHistory('large')
  const id = await insertJob(database(), 'large')
  const text = Array.from({ length: 2_000 }, (_, n) => n.toString(36)).join(' ')
  await database().query(
    `update jobtable.job set payload = jsonb_build_object('text', $2::text) where id = $1`,
    [id, text],
  )
  expect((await eventsOf(id))[1]).toMatchObject([
    expect.anything(),
    'new',
    'new',
    { payload: { from: {}, to: { bytes: text.length + 12 } } },
  ])
})

test('types without history leave no events, and without any there is no trigger', async () => {
  await database().query('update jobtable.job_type set history = false')
  expect(await triggers()).toEqual([])
  await withHistory('one', 'two')
  await addTypes(database(), 'silent')
  expect(await triggers()).toEqual([
    'record_history_client_delete',
    'record_history_client_insert',
    'record_history_client_update',
    'record_history_delete',
    'record_history_insert',
    'record_history_update',
  ])
  expect(await eventsOf(await insertJob(database(), 'silent'))).toEqual([])
  await database().query(`update jobtable.job_type set history = false where name = 'one'`)
  expect(await eventsOf(await insertJob(database(), 'two'))).toHaveLength(1)
  await database().query(`delete from jobtable.job where type = 'two'`)
  await database().query(`delete from jobtable.job_type where name = 'two'`)
  expect(await triggers()).toEqual([])
})

test('turning it on gives up after 2 seconds while somebody writes jobs', async () => {
  await addTypes(database(), 'busy')
  await using writer = await openSession(database())
  await writer.query('begin')
  await insertJob(writer, 'busy')
  const change = database().query(`update jobtable.job_type set history = true where name = 'busy'`)
  expect((await refusal(change)).code).toBe('55P03')
  await writer.query('rollback')
})

test('events go when their retention is over, and not before', async () => {
  await withHistory('short', 'long')
  await database().query(
    `update jobtable.job_type set history_retention = case name when 'short' then interval '1 hour' end
     where name in ('short', 'long')`,
  )
  const [first] = await insertJobs(database(), 'short', 10)
  const kept = await insertJob(database(), 'long')
  const purge = async (now: string): Promise<unknown> => {
    await using session = await openSession(database())
    await session.query(`select set_config('jobtable.now', (now() + $1::interval)::text, false)`, [
      now,
    ])
    return (await session.query('select jobtable_internal.purge_events(7) as gone'))[0]?.['gone']
  }
  expect(await purge('59 minutes')).toBe(0)
  expect(await purge('61 minutes')).toBe(7)
  expect(await purge('61 minutes')).toBe(3)
  expect(await eventsOf(first ?? '')).toEqual([])
  expect(await eventsOf(kept)).toHaveLength(1)
})
