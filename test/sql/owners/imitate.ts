import { type Attempt, attempt, type Scene, SECRET } from './attempt.ts'

/** Is somebody else: another role, another owner, the queue, or its schema. */
export function imitations({ victim, theirs, admin }: Scene): Attempt[] {
  const steal = `select * from jobtable.job where owner = '${victim}'`
  return [
    attempt('name another owner by the setting', `set local jobtable.owner = '${victim}'`, steal),
    attempt(
      'name another owner by a claim',
      `set local request.jwt.claims = '{"sub": "${victim}"}'`,
      steal,
    ),
    attempt('become the victim', `set local role ${victim}`, steal),
    attempt('become an admin', `set local role ${admin}`, steal),
    attempt('become the victim by session', `set local session authorization ${victim}`, steal),
    attempt('grant itself a role', `grant ${admin} to current_user`, 'select 1'),
    attempt('switch row security off', 'set local row_security = off', steal),
    attempt(
      'shadow current_owner() in its search path',
      `create function mine.current_owner() returns text language sql return '${victim}'`,
      'set local search_path = mine, jobtable, pg_catalog',
      'select * from job where owner <> user and owner = mine.current_owner()',
    ),
    attempt(
      'shadow pg_catalog in its search path',
      `create function mine.current_setting(text, boolean) returns text
         language sql return '${victim}'`,
      `create function mine.now() returns timestamptz language sql return 'infinity'::timestamptz`,
      'set local search_path = mine, pg_catalog',
      steal,
    ),
    attempt(
      'shadow an operator',
      `create function mine.always(text, text) returns boolean language sql return true`,
      `create operator mine.= (leftarg = text, rightarg = text, function = mine.always)`,
      'set local search_path = mine, pg_catalog',
      `select * from jobtable.job where id = ${theirs.new}`,
    ),
    attempt(
      'shadow the tables by temporary ones',
      `create temp table job_share (owner text, grantee text, level text) on commit drop`,
      `insert into job_share values ('${victim}', current_user, 'act')`,
      'set local search_path = pg_temp, jobtable',
      steal,
    ),
    attempt(
      'replace current_owner()',
      `create or replace function jobtable.current_owner()
       returns text language sql return '${victim}'`,
      'select 1',
    ),
    attempt('choose the source of the owner', `select jobtable.set_owner_source('setting')`),
    attempt('end the isolation', 'select jobtable.disable_isolation()'),
    attempt('drop a policy', 'drop policy owners_view_their_jobs on jobtable.job', 'select 1'),
    attempt('add a policy', 'create policy mine on jobtable.job using (true)', 'select 1'),
    attempt(
      'switch the guard off',
      'alter table jobtable.job disable trigger job_guard_update',
      'select 1',
    ),
    attempt('skip the triggers', `set local session_replication_role = replica`, 'select 1'),
    attempt(
      'smuggle SQL in the name of a facet',
      `select jobtable.update_facet('jobtable.job_result; drop table x'::regclass, 1, '{}')`,
    ),
    attempt(
      'smuggle SQL in the name of a column',
      `select jobtable.update_facet('public.notes', ${theirs.new},
         jsonb_build_object('note" = (select title from jobtable.job limit 1) --', 'x'))`,
    ),
    attempt(
      'smuggle SQL in the name of a type',
      `insert into jobtable.job (type) values ('x''; update jobtable.job set title = ''x'' --')
       returning id`,
    ),
    attempt('make up a type', `insert into jobtable.job_type (name) values ('x') returning id`),
    attempt('change a type', `update jobtable.job_type set priority = 9 returning id`),
    attempt(
      'count itself as a worker',
      `select jobtable_internal.start_worker(null, 'x', 1, '1', '{work}', '{}', 1, 2000, 6000)`,
    ),
    attempt(
      `finish another's job`,
      `select jobtable_internal.complete(${theirs.started}, 777, '"forged"')`,
    ),
    attempt(
      'ask whose jobs are visible, as the victim',
      `set local jobtable.owner = '${victim}'`,
      `select from unnest(jobtable_internal.visible_owners('view')) o where o = '${victim}'`,
    ),
  ]
}

/** Learns of others' rows by what is not a row. */
export function leaks({ victim, theirs }: Scene): Attempt[] {
  const telltale = `create function mine.tell(what text) returns boolean language plpgsql cost 0.0001
    as $$ begin raise notice 'loot %', what; return true; end $$`
  return [
    attempt(
      'tell of each row by a function in WHERE',
      telltale,
      `select 1 from jobtable.job where mine.tell(title) and owner = '${victim}'`,
    ),
    attempt(
      'tell of each row by an error in WHERE',
      `select title::integer from jobtable.job where owner = '${victim}' and title::integer > 0`,
    ),
    attempt(
      'tell of each result by a function in WHERE',
      telltale,
      `select 1 from jobtable.job_result where mine.tell(value::text) and job = ${theirs.completed}`,
    ),
    attempt(
      'read the statistics',
      `select most_common_vals from pg_stats where schemaname = 'jobtable'
         and tablename in ('job', 'job_result', 'job_share', 'owner_quota')`,
    ),
    attempt('read raw statistics', 'select stavalues1 from pg_statistic limit 1'),
    attempt(
      'read a plan',
      `explain (format json) select * from jobtable.job where title like '%${'z'.repeat(3)}%'`,
      `select 1 where false`,
    ),
    attempt(
      'find a job by the error of a function',
      `select jobtable.update_facet('public.notes', ${theirs.new}, '{"note": 1}')`,
    ),
    attempt(
      'refer to jobs by a foreign key',
      'create table mine.refers (job bigint references jobtable.job (id))',
      `insert into mine.refers values (${theirs.new}) returning job`,
    ),
    attempt(
      'inherit from the table',
      'create table mine.heir () inherits (jobtable.job)',
      'select 1',
    ),
    attempt(
      'see through a view of its own',
      'create view mine.view as select * from jobtable.job',
      `select * from mine.view where owner = '${victim}'`,
    ),
    attempt(
      'see as another by a function of its own',
      `create function mine.all_jobs() returns setof jobtable.job language sql security definer
         as 'select * from jobtable.job'`,
      `select * from mine.all_jobs() where owner = '${victim}'`,
    ),
    attempt('publish the table', 'create publication loot for table jobtable.job', 'select 1'),
    attempt(
      'read what others run',
      `select * from pg_stat_activity where query like '%${SECRET}%'
       and pid <> pg_backend_pid()`,
    ),
    attempt('see how much runs', 'select running from jobtable.worker'),
  ]
}
