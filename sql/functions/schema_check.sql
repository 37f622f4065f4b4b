-- Raises JT020 unless everything in a schema is understood.
create or replace function jobtable_internal.schema_check(type text, root jsonb) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  c_deepest constant integer := 40;
  c_most constant integer := 2000;
  c_types constant text[] :=
    array['null', 'boolean', 'number', 'integer', 'string', 'array', 'object'];
  v_nodes jsonb := (
    select jsonb_object_agg(n.path::text, true) from jobtable_internal.schema_nodes(root) n);
  v_circles jsonb;
  v record;
  v_fact text;
begin
  if (select count(*) from jsonb_object_keys(v_nodes)) > c_most then
    perform jobtable_internal.refuse_schema(type, '{}', null,
      format('has more than %s schemas within it', c_most));
  end if;
  v_circles := (
    select coalesce(jsonb_object_agg(c.path::text, true), '{}')
    from jobtable_internal.schema_circles(root) c);
  for v in
    select n.path, n.node, k.key, k.value, jsonb_typeof(k.value) as kind, w.takes
    from jobtable_internal.schema_nodes(root) n
    left join lateral jsonb_each(
      case when jsonb_typeof(n.node) = 'object' then n.node else '{}' end) k on true
    left join jobtable_internal.schema_keywords() w on w.keyword = k.key
  loop
    v_fact := case
      when jsonb_typeof(v.node) not in ('object', 'boolean')
        then 'has ' || jobtable_internal.json_brief(v.node) || ' in place of a schema'
      when cardinality(v.path) > 2 * c_deepest
        then format('is nested more than %s levels deep', c_deepest)
      when v.key is null then null
      when v.takes is null then 'has an unknown keyword'
      when v.kind <> all (v.takes)
        then format('has %s where %s belongs', jobtable_internal.json_brief(v.value),
          array_to_string(v.takes, ' or '))
      when v.key = '$schema' and v.value #>> '{}' !~
        '^https?://json-schema\.org/(draft-0[4-7]|draft/2019-09|draft/2020-12)/schema#?$'
        then 'is written for a draft that is not known'
      when v.key in ('$id', 'id') and v.path <> '{}'
        then 'has a schema within it that is a document of its own'
      when v.key = '$ref' and (
        jobtable_internal.schema_target(v.value #>> '{}') is null
        or not v_nodes ? jobtable_internal.schema_target(v.value #>> '{}')::text)
        then format('refers to %s, which is no schema of this document', v.value)
      when v.key = '$ref' and v_circles ? v.path::text
        then 'refers to itself without end'
      when v.key = 'type' and not jobtable_internal.schema_types(v.node) <@ c_types
        then format('has the unknown type %s', v.value)
      when v.key in ('required', 'type') and v.kind = 'array' and exists (
        select from jsonb_array_elements(v.value) e where jsonb_typeof(e.value) <> 'string')
        then 'has a name that is no string'
      when v.key = 'multipleOf' and v.value::numeric <= 0
        then 'asks for multiples of what is not positive'
      when v.key = 'dependentRequired' and exists (
        select from jsonb_each(v.value) e where not jobtable_internal.is_list_of_names(e.value))
        then 'has something that is no list of names'
      when v.key in ('allOf', 'anyOf', 'oneOf') and v.value = '[]'
        then 'has a list of no schemas'
    end;
    if v_fact is not null then
      perform jobtable_internal.refuse_schema(type, v.path, v.key, v_fact);
    end if;
  end loop;
end
$$;
