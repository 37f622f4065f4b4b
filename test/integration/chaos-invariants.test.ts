import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { findViolations, INVARIANTS } from '../chaos/invariants.ts'
import { createDatabase, type Database } from '../support/database.ts'

const SCHEMA = new URL('../chaos/schema.sql', import.meta.url)

/** From here on statements pass for the queue's own. */
const AS_QUEUE = "select set_config('jobtable.writer', 'queue', false);"

/** Job 1 fails in a first attempt that was lost to a strike, is resubmitted, and completes with one effect. */
const SOUND = `
  insert into jobtable.job_type (name) values ('chaos_transfer');
  insert into jobtable.worker (host, pid, version, types, capacity, started_at, seen_at)
  values ('here', 4711, '0', '{chaos_transfer}', 1, now(), now());
  insert into jobtable.job (type, key) values ('chaos_transfer', 'k');
  insert into chaos.inserted (job) values (1);
  insert into chaos.acknowledged (job, what) values (1, 'insert');
  ${AS_QUEUE}
  alter table jobtable.job_attempt drop constraint outcome_is_known;
  update jobtable.job set status = 'started', attempt = 1, worker = 1, lease = 7 where id = 1;
  insert into chaos.trace (job, attempt, event, pid, lease, valid)
  values (1, 1, 'begin', 4711, 7, true);
  insert into chaos.strike (id, fault, pids, from_seq, to_seq)
  select 1, 'freeze', '{4711}', last_value, last_value + 4 from chaos.seq;
  update jobtable.job set status = 'failed', holds_key = false where id = 1;
  insert into jobtable.job_attempt (job, n, worker, finished_at, outcome)
  values (1, 1, 1, now(), 'lost');
  update jobtable.job set status = 'new', uncharged = 1, holds_key = true where id = 1;
  insert into chaos.resubmitted (job) values (1);
  update jobtable.job set status = 'started', attempt = 2, lease = 8 where id = 1;
  insert into chaos.trace (job, attempt, event, pid, lease, valid)
  values (1, 2, 'begin', 4712, 8, true), (1, 1, 'end', 4711, 8, false);
  insert into chaos.effect (job, attempt) values (1, 2);
  update jobtable.job set status = 'completed', holds_key = false where id = 1;
  insert into chaos.trace (job, attempt, event, pid, lease, valid)
  values (1, 2, 'end', 4712, 8, false);
  insert into jobtable_internal.tally (type_id, from_status, to_status, jobs)
  select t.id, 'new', 'completed', 1 from jobtable.job_type t;`

/** How each invariant is broken, by one statement or two. */
const FORGERIES: Readonly<Record<string, readonly string[]>> = {
  'what was acknowledged is kept': [
    "insert into chaos.acknowledged (job, what) values (2, 'insert')",
    "insert into chaos.acknowledged (job, what) values (1, 'delete')",
  ],
  'no job is lost': ['insert into chaos.inserted (job) values (2)'],
  'there are no jobs but the clients’': [
    "insert into jobtable.job (type, paused) values ('chaos_transfer', true)",
    'insert into chaos.deleted (job) values (1)',
    `insert into chaos.trace (job, attempt, event, pid, lease, valid)
     values (2, 1, 'end', 4711, 9, false)`,
  ],
  'no job is held without a live worker': [
    `${held()}; update jobtable.worker set seen_at = now() - interval '1 minute'`,
    `${held()}; update jobtable.worker set stopped_at = now()`,
    `${held()}; update jobtable.job set worker = 2 where id = 2`,
  ],
  'every job that was due has ended': [
    held(),
    `insert into jobtable.job (type) values ('chaos_transfer');
     insert into chaos.inserted (job) values (2)`,
  ],
  'statuses follow each other as documented': [
    "update jobtable.job set status = 'failed' where id = 1",
    "update jobtable.job set status = 'started', attempt = 3 where id = 1",
  ],
  'a job ends once for each submission': [
    'delete from chaos.resubmitted',
    'insert into chaos.resubmitted (job) values (1)',
  ],
  'effects through transaction happen exactly once': [
    'insert into chaos.effect (job, attempt) values (1, 2)',
    'insert into chaos.effect (job, attempt) values (1, 1)',
    'delete from chaos.effect',
  ],
  'an attempt begins once, and after it was committed as started': [
    `insert into chaos.trace (job, attempt, event, pid, lease, valid)
     values (1, 2, 'begin', 4712, 8, true)`,
    `insert into chaos.trace (job, attempt, event, pid, lease, valid)
     values (1, 3, 'begin', 4711, 9, false)`,
  ],
  'only attempts of workers that were struck run on beside the next': [
    "update chaos.strike set pids = '{4712}'",
    'delete from chaos.strike',
  ],
  'every attempt is accounted for': [
    'delete from jobtable.job_attempt',
    `insert into jobtable.job_attempt (job, n, finished_at, outcome) values (1, 2, now(), 'failed')`,
    `insert into jobtable.job_attempt (job, n, finished_at, outcome) values (1, 3, now(), 'failed')`,
    'update jobtable.job set uncharged = 0 where id = 1',
    "update jobtable.job_attempt set outcome = 'released', n = 2; update jobtable.job set attempt = 1",
  ],
  'the counts are those of the jobs': ['delete from jobtable_internal.tally', held()],
  'a key is held by one unfinished job': [
    `drop index jobtable.job_key_is_held_once;
     insert into jobtable.job (type, key, paused)
     select 'chaos_transfer', 'k', true from generate_series(1, 2);
     insert into chaos.inserted (job) values (2), (3)`,
  ],
  'only workers that were struck lose their jobs': [
    "update chaos.strike set pids = '{4712}'",
    'update chaos.strike set from_seq = to_seq',
    'delete from chaos.strike',
  ],
}

/** Job 2, which the worker of process 4711 holds. */
function held(): string {
  return `
    insert into jobtable.job (type) values ('chaos_transfer');
    insert into chaos.inserted (job) values (2);
    update jobtable.job set status = 'started', attempt = 1, worker = 1, lease = 9 where id = 2`
}

async function soundDatabase(): Promise<Database> {
  const database = await createDatabase()
  await database.query(await readFile(SCHEMA, 'utf8'))
  await database.query(SOUND)
  return database
}

test('a sound run violates nothing', async () => {
  await using database = await soundDatabase()
  expect(await findViolations(database.pool)).toEqual([])
})

test('every invariant can be broken', () => {
  expect(Object.keys(FORGERIES)).toEqual(INVARIANTS.map(({ name }) => name))
})

describe.each(Object.entries(FORGERIES))('%s', (name, forgeries) => {
  test.each(forgeries)('is broken by %s', async (forgery) => {
    await using database = await soundDatabase()
    await database.query(`${AS_QUEUE} ${forgery}`)
    const violations = await findViolations(database.pool)
    expect(violations.map(({ invariant }) => invariant)).toContain(name)
  })
})
