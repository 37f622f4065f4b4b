-- Takes up to `wanted` ids from the head of a lane. Entries that another worker is taking at this
-- moment are passed over; what is not wanted of an entry stays under its place in the lane. Of an
-- entry that is `alone` no other is looked for after it.
create or replace function jobtable_internal.take(
  lane bigint, after bigint, wanted integer, alone boolean
) returns bigint[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_all bigint[] := '{}';
  v_ids bigint[];
  v_entries integer;
  v_seen integer;
  v_seq bigint;
  v_after bigint := after;
begin
  -- Where there is little to do, there are few entries, and single statements cost the least.
  for i in 1 .. 2 loop
    select q.seq, q.ids into v_seq, v_ids
    from jobtable_internal.ready q
    where q.lane = take.lane and q.seq > v_after
    order by q.seq
    limit 1
    for update skip locked;
    if not found then
      return v_all;
    end if;
    if cardinality(v_ids) > wanted then
      update jobtable_internal.ready q
      set ids = v_ids[wanted + 1 :]
      where q.lane = take.lane and q.seq = v_seq;
      return v_all || v_ids[1 : wanted];
    end if;
    delete from jobtable_internal.ready q where q.lane = take.lane and q.seq = v_seq;
    v_all := v_all || v_ids;
    v_after := v_seq;
    wanted := wanted - cardinality(v_ids);
    if wanted = 0 or alone then
      return v_all;
    end if;
  end loop;

  -- As few entries are locked as can satisfy the wish: full ones are tried first, then more.
  v_entries := (wanted + 239) / 240;
  loop
    with picked as materialized (
      select q.ctid as place, q.seq, q.ids
      from jobtable_internal.ready q
      where q.lane = take.lane and q.seq > v_after
      order by q.seq
      limit v_entries
      for update skip locked
    ), placed as materialized (
      select p.place, p.seq, p.ids, cardinality(p.ids) as n,
        sum(cardinality(p.ids)) over (order by p.seq)
          - cardinality(p.ids) as before
      from picked p
    ), emptied as (
      -- By place: a join of both, planned when the lane was short, would read all of a long one for
      -- each entry.
      delete from jobtable_internal.ready q
      where q.ctid = any (array(select p.place from placed p where p.before + p.n <= wanted))
    ), last as materialized (
      select p.place, p.ids[wanted - p.before + 1 :] as ids
      from placed p
      where p.before < wanted and p.before + p.n > wanted
    ), cut as (
      update jobtable_internal.ready q
      set ids = (select l.ids from last l)
      where q.ctid = (select l.place from last l)
    )
    select array_agg(u.id order by p.seq, u.ord), max(p.seq),
      count(distinct p.seq)
    into v_ids, v_after, v_seen
    from placed p
    cross join lateral unnest(p.ids) with ordinality as u (id, ord)
    where p.before + u.ord <= wanted;

    exit when v_ids is null;
    v_all := v_all || v_ids;
    wanted := wanted - cardinality(v_ids);
    exit when wanted <= 0 or v_seen < v_entries;
    v_entries := least(wanted, v_entries * 8);
  end loop;
  return v_all;
end
$$;
