--! requires: record_history, notify_live
-- After a change of job_type.history or job_type.live: the job table has the triggers for them
-- while any type wants them, and only then, so that they cost nothing else. To make or drop one
-- locks the job table for a moment. Only a condition is asked as who writes: it tells the record
-- of clients, whom policies bind, from that of the queue and of the tables' owner.
create or replace function jobtable_internal.observe_jobs() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_trigger record;
begin
  -- Whoever else changes them has committed, or is seen.
  perform pg_advisory_xact_lock(hashtextextended('jobtable: triggers of job', 0));
  for v_trigger in
    select w.routine || w.writer || '_' || e.event as name, w.routine, w.argument, w.condition,
      w.wanted, e.event, e.tables
    from (
      select 'record_history', r.*, exists (select from jobtable.job_type t where t.history)
      from (
        values
          ('', '', $x$when (not row_security_active('jobtable.job'::regclass))$x$),
          ('_client', 'client', $x$when (row_security_active('jobtable.job'::regclass))$x$)
      ) as r
      union all
      select 'notify_live', '', '', '', exists (select from jobtable.job_type t where t.live)
    ) as w (routine, writer, argument, condition, wanted)
    cross join (
      values
        ('insert', 'new table as after_rows'),
        ('update', 'old table as before_rows new table as after_rows'),
        ('delete', 'old table as before_rows')
    ) as e (event, tables)
    where w.wanted <> exists (
      select
      from pg_catalog.pg_trigger g
      where g.tgrelid = 'jobtable.job'::regclass
        and g.tgname = w.routine || w.writer || '_' || e.event
    )
  loop
    if v_trigger.wanted then
      execute format(
        'create trigger %I after %s on jobtable.job referencing %s '
        'for each statement %s execute function jobtable_internal.%I(%s)',
        v_trigger.name, v_trigger.event, v_trigger.tables, v_trigger.condition, v_trigger.routine,
        v_trigger.argument
      );
    else
      execute format('drop trigger %I on jobtable.job', v_trigger.name);
    end if;
  end loop;
  return null;
end
$$;

create or replace trigger observe_jobs_insert
after insert on jobtable.job_type
for each row
when (new.history or new.live)
execute function jobtable_internal.observe_jobs();

create or replace trigger observe_jobs_update
after update on jobtable.job_type
for each row
when (new.history <> old.history or new.live <> old.live)
execute function jobtable_internal.observe_jobs();

create or replace trigger observe_jobs_delete
after delete on jobtable.job_type
for each row
when (old.history or old.live)
execute function jobtable_internal.observe_jobs();
