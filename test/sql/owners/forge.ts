import { AS_QUEUE, type Attempt, attempt, type Scene } from './attempt.ts'

/** Writes what only the queue writes, on jobs of its own. */
export function forgeries({ own }: Scene): Attempt[] {
  const insert = (column: string, value: string): Attempt =>
    attempt(
      `insert a job with ${column}`,
      `insert into jobtable.job (type, ${column}) values ('work', ${value}) returning id`,
    )
  const update = (column: string, value: string, how = ''): Attempt[] => [
    attempt(
      `set ${column}${how}`,
      `update jobtable.job set ${column} = ${value} where id = ${own.started} returning id`,
    ),
    attempt(
      `set ${column} as if it were the queue${how}`,
      AS_QUEUE,
      `update jobtable.job set ${column} = ${value} where id = ${own.started} returning id`,
    ),
  ]
  return [
    insert('status', `'completed'`),
    insert('attempt', '7'),
    insert('lease', '7'),
    insert('worker', '1'),
    insert('started_at', 'now()'),
    insert('finished_at', 'now()'),
    insert('status_detail', `'done'`),
    insert('holds_key', 'true'),
    insert('created_at', `'2001-01-01'`),
    insert('id', `(select max(id) + 1000 from jobtable.job)`),
    insert('id', `pg_sequence_last_value('jobtable.job_id_seq')`),
    ...update('status', `'completed'`),
    ...update('status', `'new'`, ' of a started job'),
    ...update('lease', '7'),
    ...update('attempt', '0'),
    ...update('worker', '1'),
    ...update('finished_at', 'now()'),
    ...update('holds_key', 'true'),
    ...update('status_detail', `'done'`),
    ...update('owner', `'somebody'`),
    attempt(
      'set a created_at by the clock of the tests',
      `set local jobtable.now = '2001-01-01'`,
      `insert into jobtable.job (type) values ('work')
       returning id, 1 / (created_at < '2002-01-01')::integer`,
    ),
    attempt(
      'become the queue within the UPDATE',
      `update jobtable.job set title = set_config('jobtable.writer', 'queue', true),
         status = 'completed'
       where id = ${own.started} returning id`,
    ),
    attempt(
      'become the queue in RETURNING, for the row after it',
      `with first as (
         update jobtable.job set title = 'x' where owner = current_user
         returning set_config('jobtable.writer', 'queue', true))
       update jobtable.job set status = 'completed'
       where id = ${own.started} and exists (select from first) returning id`,
    ),
    attempt(
      'delete a started job',
      `delete from jobtable.job where id = ${own.started} returning id`,
    ),
    attempt(
      'delete a started job as if it were the queue',
      AS_QUEUE,
      `delete from jobtable.job where id = ${own.started} returning id`,
    ),
    attempt(
      'set status by ON CONFLICT as if it were the queue',
      AS_QUEUE,
      `insert into jobtable.job (type, key) values ('work', 'held')
       on conflict (owner, type, key) where holds_key do update set status = 'completed'
       returning id`,
    ),
    attempt(
      'become the queue within ON CONFLICT',
      `insert into jobtable.job (type, key) values ('work', 'held')
       on conflict (owner, type, key) where holds_key
       do update set status = 'completed', title = set_config('jobtable.writer', 'queue', true)
       returning id`,
    ),
    attempt(
      'merge a status into a job',
      AS_QUEUE,
      `merge into jobtable.job j using (values (1)) v (n) on j.id = ${own.started}
       when matched then update set status = 'completed'`,
      `select id from jobtable.job where id = ${own.started} and status = 'completed'`,
    ),
  ]
}

/** Does what is recorded, and has the record say something else. */
export function historyForgeries({ own }: Scene): Attempt[] {
  const others = `select id from jobtable.job_event where actor not in (current_user, 'somebody')`
  const longAgo = `select id from jobtable.job_event where at < now() - interval '1 day'`
  const insert = `insert into jobtable.job (type) values ('work')`
  const edit = `update jobtable.job set priority = 7 where id = ${own.new}`
  const remove = `delete from jobtable.job where id = ${own.new}`
  const clock = `set local jobtable.now = '2000-01-01'`
  return [
    attempt('have an INSERT recorded as the queue', AS_QUEUE, insert, others),
    attempt('have a DELETE recorded as the queue', AS_QUEUE, remove, others),
    attempt('have an INSERT recorded long ago', clock, insert, longAgo),
    attempt('have an UPDATE recorded long ago', clock, edit, longAgo),
    attempt('have a DELETE recorded long ago', clock, remove, longAgo),
    attempt(
      'become the queue in RETURNING, so that an UPDATE is not recorded',
      `${edit} returning set_config('jobtable.writer', 'queue', true)`,
      `select id from jobtable.job j where id = ${own.new} and priority = 7
         and not exists (select from jobtable.job_event e where e.job = j.id and e.detail ? 'priority')`,
    ),
    attempt(
      'have asked long ago that a job stop',
      clock,
      `update jobtable.job set cancel_requested = true where id = ${own.started}`,
      `select job from jobtable.job_cancel where requested_at < now() - interval '1 day'`,
    ),
  ]
}
