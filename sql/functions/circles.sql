-- Of the nodes 1 … `nodes` of a graph, a number for each: the same for those that lead to one
-- another. `sources` and `targets` are its edges, ordered by source. The algorithm is Tarjan's,
-- whose time is linear.
create or replace function jobtable_internal.circles(
  nodes integer, sources integer[], targets integer[]
) returns integer[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_circle integer[] := array_fill(null::integer, array[nodes]);
  v_seen integer[] := array_fill(0, array[nodes]);
  v_low integer[] := v_seen;
  v_way integer[] := v_seen;
  v_open integer[] := v_seen;
  -- The next edge of each node to follow.
  v_next integer[] := array_fill(1, array[nodes]);
  v_clock integer := 0;
  v_depth integer;
  v_opened integer := 0;
  v_at integer;
  v_to integer;
begin
  for i in reverse coalesce(cardinality(sources), 0) .. 1 loop
    v_next[sources[i]] := i;
  end loop;
  for v_start in 1 .. nodes loop
    v_depth := case when v_seen[v_start] = 0 then 1 else 0 end;
    v_way[1] := v_start;
    while v_depth > 0 loop
      v_at := v_way[v_depth];
      if v_seen[v_at] = 0 then
        v_clock := v_clock + 1;
        v_seen[v_at] := v_clock;
        v_low[v_at] := v_clock;
        v_opened := v_opened + 1;
        v_open[v_opened] := v_at;
      end if;
      if sources[v_next[v_at]] = v_at then
        v_to := targets[v_next[v_at]];
        if v_seen[v_to] = 0 then
          v_depth := v_depth + 1;
          v_way[v_depth] := v_to;
        else
          -- It may be one that was just come back from.
          if v_circle[v_to] is null then
            v_low[v_at] := least(v_low[v_at], v_low[v_to]);
          end if;
          v_next[v_at] := v_next[v_at] + 1;
        end if;
        continue;
      end if;
      v_depth := v_depth - 1;
      if v_low[v_at] = v_seen[v_at] then
        loop
          v_to := v_open[v_opened];
          v_opened := v_opened - 1;
          v_circle[v_to] := v_at;
          exit when v_to = v_at;
        end loop;
      end if;
    end loop;
  end loop;
  return v_circle;
end
$$;
