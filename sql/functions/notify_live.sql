-- After every statement that writes jobs, while any type is live: notifies of the ids of its jobs
-- that were inserted, deleted, or have changed, once a type. Its triggers are there only then; see
-- observe_jobs.
create or replace function jobtable_internal.notify_live() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- PostgreSQL takes less than 8,000 bytes.
  c_longest constant integer := 7900;
  -- A list of more would hardly fit.
  c_most constant integer := 1000;
  v_type record;
  v_types jsonb;
begin
  if current_setting('jobtable.notify', true) is not distinct from 'off' then
    return null;
  end if;
  if tg_op = 'DELETE' then
    select jsonb_object_agg(l.name, case when l.jobs <= c_most then (
      select jsonb_agg(b.id order by b.id) from before_rows b where b.type = l.name
    ) end)
    into v_types
    from (
      select t.name, count(*) as jobs
      from before_rows b
      join jobtable.job_type t on t.name = b.type
      where t.live
      group by t.name
    ) l;
  else
    select jsonb_object_agg(l.name, case when l.jobs <= c_most then (
      select jsonb_agg(a.id order by a.id) from after_rows a where a.type = l.name
    ) end)
    into v_types
    from (
      select t.name, count(*) as jobs
      from after_rows a
      join jobtable.job_type t on t.name = a.type
      where t.live
      group by t.name
    ) l;
  end if;
  for v_type in
    select jsonb_build_object('type', w.key, 'ids', w.value)::text as whole,
      jsonb_build_object('type', w.key)::text as brief,
      w.value as ids
    from jsonb_each(v_types) w
  loop
    perform pg_notify('jobtable_live', case
      when v_type.ids <> 'null' and octet_length(v_type.whole) <= c_longest then v_type.whole
      else v_type.brief
    end);
  end loop;
  return null;
end
$$;
