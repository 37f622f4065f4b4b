--! requires: format_pattern, posix_pattern, schema_keywords, schema_nodes
-- What of a schema SQL does not decide: where, which keyword, and why. Everything else it does.
create or replace function jobtable_internal.schema_undecided(root jsonb, ecma boolean)
returns table (path text[], keyword text, why text)
language sql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select n.path, u.keyword, u.why
  from jobtable_internal.schema_nodes(root) n
  cross join lateral jsonb_each(
    case when jsonb_typeof(n.node) = 'object' then n.node else '{}' end) k
  cross join lateral (
    select k.key, 'only the executor can tell'
    from jobtable_internal.schema_keywords() w
    -- Of hand-written schemas, contents are notes.
    where w.keyword = k.key and w.role = 'worker' and (ecma or k.key not like 'content%')
    union all
    select e.value, case e.value
      when '$ref' then 'it leads back by a way of several, which takes exponential time'
      else 'only the executor can tell' end
    from jsonb_array_elements_text(
      case when k.key = 'x-jobtable-undecided' then k.value else '[]' end) e
    union all
    select k.key, 'the regular expression has no exact translation'
    where k.key = 'pattern' and jobtable_internal.posix_pattern(k.value #>> '{}', ecma) is null
    union all
    select k.key, format('the regular expression %s has no exact translation', p.key)
    from jsonb_object_keys(case when k.key = 'patternProperties' then k.value else '{}' end) p (key)
    where jobtable_internal.posix_pattern(p.key, ecma) is null
    union all
    select k.key, format('SQL has no rule for the format %s', k.value)
    where k.key = 'format' and case
      -- Its pattern says all of it.
      when ecma then not n.node ? 'pattern' or k.value #>> '{}' not in (
        'email', 'uuid', 'date', 'time', 'date-time', 'duration', 'ipv4', 'cidrv4', 'nanoid',
        'cuid', 'cuid2', 'ulid', 'xid', 'ksuid', 'e164', 'lowercase', 'uppercase', 'starts_with',
        'ends_with', 'includes', 'mac')
      else jobtable_internal.format_pattern(k.value #>> '{}') is null
    end
  ) u (keyword, why)
$$;
