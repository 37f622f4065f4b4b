import { AS_QUEUE, type Attempt, attempt, type Jobs, type Scene, writing } from './attempt.ts'

/** Reads, steers and deletes others' jobs, or inserts in their name. */
export function thefts({ victim, own: mine, theirs, shared, vera }: Scene): Attempt[] {
  const at = (what: string, jobs: Jobs): Attempt[] => [
    attempt(
      `update ${what}`,
      `update jobtable.job set title = 'x' where id = ${jobs.new} returning id`,
    ),
    attempt(
      `update ${what} as if it were the queue`,
      AS_QUEUE,
      `update jobtable.job set title = 'x' where id = ${jobs.new} returning id`,
    ),
    attempt(
      `pause ${what}`,
      `update jobtable.job set paused = true where id = ${jobs.new} returning id`,
    ),
    attempt(
      `stop ${what}`,
      `update jobtable.job set cancel_requested = true where id = ${jobs.started} returning id`,
    ),
    attempt(
      `resubmit ${what}`,
      `update jobtable.job set status = 'new' where id = ${jobs.completed} returning id`,
    ),
    attempt(`delete ${what}`, `delete from jobtable.job where id = ${jobs.new} returning id`),
    attempt(`lock ${what}`, `select id from jobtable.job where id = ${jobs.new} for update`),
    attempt(`cancel() ${what}`, `select jobtable.cancel(${jobs.new})`),
    attempt(`cancel() ${what}, started`, `select jobtable.cancel(${jobs.started})`),
    attempt(`resubmit() ${what}`, `select jobtable.resubmit(${jobs.completed})`),
  ]
  // Without WHERE and RETURNING, only the policy of the verb itself stands in the way.
  const own = 'select count(*) from jobtable.job where owner = current_user'
  return [
    ...at(`another's job`, theirs),
    ...at('a job that it may view', shared),
    attempt(`read another's job`, `select * from jobtable.job where id = ${theirs.new}`),
    attempt(`read another's jobs by owner`, `select * from jobtable.job where owner = '${victim}'`),
    attempt(`read another's report`, `select * from jobtable.job_report where id = ${theirs.new}`),
    attempt(
      `copy another's jobs`,
      `create temp table loot on commit drop as select * from jobtable.job`,
      `select * from loot where owner = '${victim}'`,
    ),
    writing('update whatever there is', `update jobtable.job set title = 'x'`, own),
    // The first in the table is another's, and has not started; of its own only one that has is left.
    attempt(
      'delete the first job there is',
      'create sequence mine.n',
      `delete from jobtable.job where id in (${mine.new}, ${mine.completed})`,
      ...writing('', `delete from jobtable.job where nextval('mine.n') = 1`, 'select 0').statements,
    ),
    attempt(
      `insert a job in another's name`,
      `insert into jobtable.job (type, owner) values ('work', '${victim}')`,
      'select 1',
    ),
    attempt(
      `insert a job in the name of one whose jobs it may view`,
      `insert into jobtable.job (type, owner) values ('work', '${vera}')`,
      'select 1',
    ),
    attempt(
      `squat another's key`,
      `insert into jobtable.job (type, owner, key) values ('work', '${victim}', 'squat')`,
      'select 1',
    ),
    attempt(
      `take another's job by ON CONFLICT on its key`,
      `insert into jobtable.job as j (type, owner, key) values ('work', '${victim}', 'held')
       on conflict (owner, type, key) where holds_key do update set title = 'x' returning id`,
    ),
    attempt(
      `take another's job by ON CONFLICT on its id`,
      `insert into jobtable.job (id, type) values (${theirs.new}, 'work')
       on conflict (id) do update set title = 'x' returning id`,
    ),
    attempt(
      `tell by ON CONFLICT whether a key is held`,
      `insert into jobtable.job (type, owner, key) values ('work', '${victim}', 'held')
       on conflict do nothing`,
      'select 1',
    ),
    attempt(
      `move another's job by a CTE`,
      `with gone as (delete from jobtable.job where owner = '${victim}' returning *)
       select * from gone`,
    ),
    writing(
      `merge another's job away`,
      `merge into jobtable.job j using (values (${theirs.new}::bigint)) v (id) on j.id = v.id
       when matched then delete when not matched then do nothing`,
      'select 0',
    ),
  ]
}

/** Writes and reads what stands beside others' jobs. */
export function facetForgeries({ own, theirs, shared, victim, vera, mallory }: Scene): Attempt[] {
  const builtIn = ['job_progress', 'job_result', 'job_attempt', 'job_log', 'job_cancel']
  return [
    ...builtIn.flatMap((facet) => [
      attempt(
        `read another's ${facet}`,
        `select * from jobtable.${facet} where job = ${theirs.completed}`,
      ),
      attempt(`delete one's own ${facet}`, `delete from jobtable.${facet} returning job`),
    ]),
    attempt(
      `read another's history`,
      `select * from jobtable.job_event where job = ${theirs.completed}`,
    ),
    attempt(
      'forge a history',
      `insert into jobtable.job_event (job, at, actor, type, owner)
       values (${own.completed}, now(), '${victim}', 'work', '${mallory}') returning job`,
    ),
    attempt(`count others' jobs`, 'select * from jobtable.job_counts'),
    attempt(`count others' waiting jobs`, 'select * from jobtable.why_waiting_by_type'),
    attempt(
      `learn why another's job waits`,
      `select * from jobtable.why_waiting(${theirs.new}) where reason <> 'unknown'`,
    ),
    attempt('make a report in the schema of the queue', `select jobtable.create_report('work')`),
    attempt(`steer a type`, `select jobtable.reset_type('work')`),
    attempt(
      'forge a result',
      `insert into jobtable.job_result (job, value) values (${own.started}, '1') returning job`,
    ),
    attempt(
      'forge a result by update_facet()',
      `select jobtable.update_facet('jobtable.job_result', ${own.completed}, '{"value": 1}')`,
    ),
    attempt(`read another's notes`, `select * from public.notes where job = ${theirs.new}`),
    attempt(
      `write another's note`,
      `insert into public.notes values (${theirs.started}, 'x')`,
      'select 1',
    ),
    attempt(
      `write another's note by update_facet()`,
      `select jobtable.update_facet('public.notes', ${theirs.new}, '{"note": "x"}')`,
    ),
    attempt(
      `write a note of a job that it may view`,
      `update public.notes set note = 'x' where job = ${shared.new} returning job`,
    ),
    attempt(
      `write a note of a job that it may view by update_facet()`,
      `select jobtable.update_facet('public.notes', ${shared.new}, '{"note": "x"}')`,
    ),
    attempt(
      `hang one's own note on another's job`,
      `update public.notes set job = ${theirs.started} where job = ${own.new} returning job`,
    ),
    attempt(
      `share another's jobs with oneself`,
      `insert into jobtable.job_share (owner, grantee, level)
       values ('${victim}', '${mallory}', 'act')`,
      'select 1',
    ),
    attempt(
      `take a share over`,
      `update jobtable.job_share set owner = '${victim}' returning owner`,
    ),
    attempt(
      'make view act',
      `update jobtable.job_share set level = 'act' where owner = '${vera}' returning owner`,
    ),
    attempt('end a share of others', `delete from jobtable.job_share returning owner`),
    attempt(
      `read others' shares`,
      `select * from jobtable.job_share where '${mallory}' not in (owner, grantee)`,
    ),
    attempt(
      `read others' quotas`,
      `select * from jobtable.owner_quota where owner not in ('*', '${mallory}')`,
    ),
    attempt(
      'raise its own quota',
      `insert into jobtable.owner_quota values ('${mallory}', 1000000) returning owner`,
    ),
  ]
}
