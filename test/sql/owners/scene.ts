import type pg from 'pg'
import type { Database } from '../../support/database.ts'
import { addTypes } from '../../support/job.ts'
import type { Roles } from '../../support/roles.ts'
import { type Jobs, type Scene, SECRET } from './attempt.ts'

/** Three owners with a job of each kind, facets, a share and quotas. */
export async function setScene(database: Database, roles: Roles): Promise<Scene> {
  await addTypes(database, 'work')
  await database.query(`create table public.notes (job bigint primary key, note text)`)
  await database.query(`select jobtable.add_facet('public.notes')`)
  await database.query(`grant insert, update, delete on public.notes to ${roles.groups.submitter}`)
  const mallory = await roles.login('mallory', 'submitter')
  const victim = await roles.login('victim', 'submitter')
  const vera = await roles.login('vera', 'submitter')
  await database.query('create schema mine')
  await database.query(`grant all on schema mine to ${mallory}`)
  await database.query(
    `insert into jobtable.owner_quota values ('${victim}', 1000, null), ('*', null, null)`,
  )
  await database.query(
    `insert into jobtable.worker (host, pid, version, types, capacity, started_at, seen_at)
     values ('host', 1, '1', '{work}', 1, now(), now())`,
  )
  const theirs = await addJobs(database, victim, SECRET)
  const shared = await addJobs(database, vera, 'seen')
  await database.query(
    `insert into jobtable.job_share values ('${vera}', '${mallory}', 'view'),
       ('${victim}', 'a friend', 'act')`,
  )
  // The last one, so that no id of another's is the last that was drawn.
  const own = await addJobs(database, mallory, 'mine')
  await database.query(`update jobtable.job_type set history = true where name = 'work'`)
  return { mallory, victim, vera, own, theirs, shared, admin: roles.groups.admin }
}

async function addJobs(database: Database, owner: string, word: string): Promise<Jobs> {
  const rows = await database.query<{ id: string }>(
    `insert into jobtable.job (type, owner, title, key, payload)
     select 'work', $1, $2::text, case n when 1 then 'held' end, jsonb_build_object('word', $2::text)
     from generate_series(1, 3) n returning id`,
    [owner, word],
  )
  const [created, started, completed] = rows.map((row) => row.id)
  const jobs = { new: created ?? '', started: started ?? '', completed: completed ?? '' }
  await asQueue(
    database,
    `update jobtable.job set status = 'started', attempt = 1, started_at = now(), worker = 1, lease = 777
     where id = ${jobs.started}`,
    `update jobtable.job set status = 'completed', attempt = 1, finished_at = now()
     where id = ${jobs.completed}`,
  )
  for (const statement of [
    `insert into jobtable.job_progress (job, message) values (${jobs.completed}, '${word}')`,
    `insert into jobtable.job_result values (${jobs.completed}, '"${word}"')`,
    `insert into jobtable.job_attempt (job, n, finished_at, outcome, error_message)
     values (${jobs.completed}, 1, now(), 'failed', '${word}')`,
    `insert into jobtable.job_log (job, attempt, at, level, message)
     values (${jobs.completed}, 1, now(), 'info', '${word}')`,
    `insert into jobtable.job_cancel (job, requested_at, requested_by, reason)
     values (${jobs.completed}, now(), 'somebody', '${word}')`,
    `insert into jobtable.job_event (job, at, actor, type, owner, detail)
     values (${jobs.completed}, now(), 'somebody', 'work', '${owner}', '{"word": "${word}"}')`,
    `insert into public.notes values (${jobs.new}, '${word}')`,
  ]) {
    await database.query(statement)
  }
  return jobs
}

async function asQueue(database: Database, ...statements: readonly string[]): Promise<void> {
  const client: pg.PoolClient = await database.pool.connect()
  try {
    await client.query(`begin; set local jobtable.writer = 'queue'`)
    for (const statement of statements) await client.query(statement)
    await client.query('commit')
  } finally {
    client.release()
  }
}
