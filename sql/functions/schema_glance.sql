--! requires: schema_target, schema_types
-- What tells at a glance, without a look at the schemas within, that a value is not meant for the
-- schema at a path: its `types`, and of an object the `keys` that must have one of some values.
-- `path` is where that is said, behind references.
create or replace function jobtable_internal.schema_glance(root jsonb, path text[]) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_path text[] := path;
  v_node jsonb := root #> path;
  v_types text[];
begin
  while v_node ? '$ref' and not v_node ? 'type' loop
    v_path := jobtable_internal.schema_target(v_node ->> '$ref');
    v_node := root #> v_path;
  end loop;
  v_types := array_replace(jobtable_internal.schema_types(v_node), 'integer', 'number');
  return jsonb_build_object('path', v_path, 'types', v_types, 'keys', (
    select coalesce(jsonb_object_agg(p.key, coalesce(p.value -> 'enum',
      jsonb_build_array(p.value -> 'const'))), '{}')
    from jsonb_each(case when v_types = array['object'] then v_node -> 'properties' end) p
    where p.value ?| array['const', 'enum'] and v_node -> 'required' ? p.key
      and not p.value @? '$.**."$ref"'
  ));
end
$$;
