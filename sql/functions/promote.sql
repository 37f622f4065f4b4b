-- Moves jobs whose time has come from `due` to their lanes, at most 1,000 at a time.
create or replace function jobtable_internal.promote() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := jobtable_internal.clock();
  v_ids bigint[];
begin
  with come as materialized (
    select d.ctid
    from jobtable_internal.due d
    where d.at <= v_now
    order by d.at, d.id
    limit 1000
    for update skip locked
  ), gone as (
    delete from jobtable_internal.due d
    where d.ctid = any (array(select c.ctid from come c))
    returning d.id
  )
  select array_agg(g.id) into v_ids from gone g;
  if v_ids is not null then
    perform jobtable_internal.enqueue(v_ids);
  end if;
end
$$;
