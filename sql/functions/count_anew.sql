-- Lists and counts the unfinished jobs of owners, as far as their number is limited; `*` stands for
-- all that have no quota of their own, null for everybody. Who has inserted without a limit was not
-- counted.
create or replace function jobtable_internal.count_anew(owners text[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_others constant boolean := owners is null or '*' = any (owners);
  v_limited constant text[] := array(
    select o.owner
    from unnest(owners) o (owner)
    where (jobtable_internal.quota_of(o.owner)).max_unfinished is not null
  );
  v_others_limited constant boolean := v_others and '*' = any (v_limited);
begin
  delete from jobtable_internal.counted c
  where c.owner = any (owners)
    or v_others and not exists (select from jobtable.owner_quota q where q.owner = c.owner);
  insert into jobtable_internal.counted (owner, id)
  select j.owner, j.id
  from jobtable.job j
  where j.status in ('new', 'queued', 'started')
    and (j.owner = any (v_limited) or v_others_limited
      and not exists (select from jobtable.owner_quota q where q.owner = j.owner))
  on conflict do nothing;
  insert into jobtable_internal.turn (owner, unfinished)
  select o.owner, (select count(*) from jobtable_internal.counted c where c.owner = o.owner)
  from (
    select t.owner from jobtable_internal.turn t
    union
    select c.owner from jobtable_internal.counted c
  ) o
  where o.owner = any (owners)
    or v_others and not exists (select from jobtable.owner_quota q where q.owner = o.owner)
  order by o.owner
  on conflict on constraint turn_pkey do update set unfinished = excluded.unfinished, lowest = 0;
end
$$;
