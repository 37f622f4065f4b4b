-- Makes the functions that check payloads by a schema, under names of their own: check_ID_VERSION_N
-- for each schema within that needs one, of which 0 is the whole, fill_ID_VERSION_N where there are
-- defaults, and plan_ID_VERSION_0, which tells a refusal what was compiled. Nobody calls them
-- before the dispatchers do.
create or replace function jobtable_internal.compile_schema(
  type_id integer, version integer, schema jsonb
) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set jit = off
set check_function_bodies = off
as $$
declare
  c_check constant text := 'value jsonb, depth integer';
  v_plan constant jsonb := jobtable_internal.schema_plan(
    schema, format('check_%s_%s_', type_id, version));
  v_path text[];
  v_node jsonb;
  v_name text;
  v_fill text;
  v_body text;
  v_quick jsonpath;
begin
  perform jobtable_internal.make_function(format('plan_%s_%s_0', type_id, version), '', 'jsonb',
    format('begin return %L::jsonb; end', v_plan));
  for v_path, v_name in
    select u.key::text[], (v_plan ->> 'prefix') || u.value from jsonb_each_text(v_plan -> 'units') u
  loop
    v_node := v_plan -> 'root' #> v_path;
    if jsonb_typeof(v_node) = 'boolean' then
      v_body := format('begin return %s; end', v_node);
    else
      v_body := jobtable_internal.schema_block(v_plan, v_path, null);
      -- PL/pgSQL prepares each expression that it meets anew in each transaction, which for one row
      -- takes longer than to evaluate it. It does not meet what a path expression tells.
      select ('$.type() == "object" && ' || string_agg(t.test, ' && ' order by t.n))::jsonpath
      into v_quick
      from jobtable_internal.schema_quick_tests(v_plan, v_path)
        with ordinality t (key, test, kind, n);
      if v_quick is not null then
        v_body := format('begin if value @@ %L then %s; end if; %s; end',
          v_quick, jobtable_internal.schema_block(v_plan, v_path, 'object'), v_body);
      end if;
    end if;
    perform jobtable_internal.make_function(v_name, c_check, 'boolean', v_body);
    if jsonb_typeof(v_node -> 'items') = 'object'
      and jobtable_internal.schema_items_test(v_node, '') is null
    then
      perform jobtable_internal.make_function(v_name || '_items', c_check, 'boolean', format(
        $body$declare v_item jsonb;
begin
  for i in %s .. jsonb_array_length(value) - 1 loop
    v_item := jsonb_array_element(value, i);
    if not (%s) then return false; end if;
  end loop;
  return true;
end$body$,
        jsonb_array_length(coalesce(v_node -> 'prefixItems', '[]')),
        jobtable_internal.schema_expression(
          v_plan, v_path || array['items'], 'v_item', 'depth')));
    end if;
    if v_node ? 'contains' then
      perform jobtable_internal.make_function(v_name || '_contains', c_check, 'integer', format(
        $body$declare v_item jsonb; v_count integer := 0;
begin
  for i in 0 .. jsonb_array_length(value) - 1 loop
    v_item := jsonb_array_element(value, i);
    if (%s) then v_count := v_count + 1; end if;
  end loop;
  return v_count;
end$body$,
        jobtable_internal.schema_expression(
          v_plan, v_path || array['contains'], 'v_item', 'depth')));
    end if;
    if jobtable_internal.schema_key_test(v_plan, v_path) is not null then
      perform jobtable_internal.make_function(v_name || '_keys', c_check, 'boolean', format(
        $body$declare v_key text; v_item jsonb;
begin
  for v_key, v_item in select e.key, e.value from jsonb_each(value) e loop
    if not (%s) then return false; end if;
  end loop;
  return true;
end$body$,
        jobtable_internal.schema_key_test(v_plan, v_path)));
    end if;
    v_fill := jobtable_internal.schema_fill(v_plan, v_path);
    if v_fill is not null then
      perform jobtable_internal.make_function(
        replace(v_name, 'check_', 'fill_'), 'value jsonb', 'jsonb',
        format('begin return %s; end', v_fill));
    end if;
  end loop;
end
$$;
