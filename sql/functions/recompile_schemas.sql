--! requires: code_units, compile_schema, dispatch_tree, double_of, fault, fault_place
--! requires: format_pattern, is_multiple, is_unique, json_brief, key_count, lock_schemas
--! requires: make_dispatchers, make_function, most_faults, percent_decoded, posix_pattern
--! requires: schema_array_faults, schema_array_parts, schema_block, schema_body, schema_branches
--! requires: schema_choice, schema_cut, schema_expression, schema_faults, schema_fill
--! requires: schema_glance, schema_is_decided, schema_is_exclusive, schema_items_test
--! requires: schema_key_test, schema_keywords, schema_misfit, schema_mixed_faults
--! requires: schema_mixed_parts, schema_modern, schema_nodes, schema_notes
--! requires: schema_object_faults
--! requires: schema_object_parts, schema_path_test, schema_plan, schema_quick_tests
--! requires: schema_takes_default, schema_target, schema_tests, schema_types, schema_undecided
-- Makes anew everything that was compiled of schemas, as an installation must: this version may
-- compile otherwise than the one before.
create or replace function jobtable_internal.recompile_schemas() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform jobtable_internal.lock_schemas();
  perform jobtable_internal.compile_schema(t.id, t.payload_version, t.payload_schema)
  from jobtable.job_type t
  where t.payload_schema is not null;
  perform jobtable_internal.make_dispatchers();
end
$$;

select jobtable_internal.recompile_schemas();
