--! requires: schema_items_test, schema_notes, schema_types
-- A predicate of a path expression that only values fulfil that fit a schema: for schemas of
-- which a path can tell all that they ask, else null. `at` is where the value is. A comparison
-- looks into an array, so each is behind the test of a type.
create or replace function jobtable_internal.schema_path_test(node jsonb, at text, ecma boolean)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Longer lists are for SQL, which makes a hash of them.
  c_most constant integer := 20;
  v_asked constant text[] := array(
    select jsonb_object_keys(node - jobtable_internal.schema_notes()));
  v_types constant text[] := jobtable_internal.schema_types(node);
  v_choices constant jsonb := coalesce(node -> 'enum', jsonb_build_array(node -> 'const'));
  v_bounded constant boolean := v_types && array['number', 'integer'];
  v_short constant boolean := 'string' = any (v_types) and (node -> 'minLength')::numeric <= 1;
  -- A filter would look into the arrays among the items: there is none for items of two types.
  v_alike constant boolean := 'array' = any (v_types)
    and jsonb_typeof(node #> '{items,type}') = 'string'
    and jobtable_internal.schema_items_test(node, '') is not null;
begin
  if v_asked = '{anyOf}' then
    return (
      select '(' || string_agg(t.test, ' || ') || ')'
      from jsonb_array_elements(node -> 'anyOf') b (branch)
      cross join lateral (
        select jobtable_internal.schema_path_test(b.branch, at, ecma)
        where jsonb_typeof(b.branch) = 'object'
      ) t (test)
      having count(t.test) = jsonb_array_length(node -> 'anyOf')
    );
  elsif node ?| array['const', 'enum'] then
    return (
      select format('%s.type() == "string" && (%s)', at,
        string_agg(format('%s == %s', at, c.choice), ' || '))
      from jsonb_array_elements(v_choices) c (choice)
      where coalesce(v_types, '{string}') = '{string}' and v_asked <@ '{type,const,enum}'
        and not node ?& array['const', 'enum'] and jsonb_array_length(v_choices) <= c_most
      having bool_and(jsonb_typeof(c.choice) = 'string')
    );
  elsif v_asked <@ (array['type']
    || case when v_bounded then array['minimum', 'maximum'] end
    || case when v_short then array['minLength'] end
    || case when v_alike then array['items'] end)
  then
    return (
      select '(' || string_agg(concat_ws(' && ',
        format('%s.type() == "%s"', at, replace(t.type, 'integer', 'number')),
        case
          when t.type = 'string' and (node -> 'minLength')::numeric > 0 then at || ' != ""'
          when t.type = 'array' and v_alike
            then format('!(%s[*].type() != %s)', at, node #> '{items,type}')
          when t.type in ('number', 'integer') then nullif(concat_ws(' && ',
            case when ecma then format('%1$s >= -1e308 && %1$s <= 1e308', at) end,
            case when t.type = 'integer' then format('%1$s.floor() == %1$s', at) end,
            case when node ? 'minimum' then format('%s >= %s', at, node -> 'minimum') end,
            case when node ? 'maximum' then format('%s <= %s', at, node -> 'maximum') end), '')
        end), ' || ') || ')'
      from unnest(v_types) t (type)
    );
  end if;
  return null;
end
$$;
