-- TRUNCATE asks no row whether it has started: refused.
create or replace function jobtable_internal.job_guard_truncate() returns trigger
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'JT011',
    message = 'TRUNCATE of jobtable.job is refused',
    detail = 'It would remove started jobs under their workers.',
    hint = 'delete from jobtable.job where status <> ''started''';
end
$$;

create or replace trigger job_guard_truncate
before truncate on jobtable.job
for each statement execute function jobtable_internal.job_guard_truncate();
