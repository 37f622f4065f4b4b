-- What a schema asks of a value by itself, apart from the schemas within it: each test as a SQL
-- expression over `value`, for values of one kind (or 'any'), with what it expects in words. The
-- one place where these keywords have their meaning: compiled checks and the words of a refusal are
-- both made of it. No test may raise an error, or be null, for a value of its kind.
create or replace function jobtable_internal.schema_tests(node jsonb, value text, ecma boolean)
returns table (kind text, test text, expected text)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  c_float constant text := '%L::double precision';
  v_types constant text[] := jobtable_internal.schema_types(node);
  v_string constant text := format('(%s #>> ''{}'')', value);
  v_number constant text := format('(%s)::numeric', value);
  v_double constant text := format('jobtable_internal.double_of(%s)', value);
  v_list constant text := format('jsonb_array_length(%s)', value);
  v_keys constant text := format('jobtable_internal.key_count(%s)', value);
  v_key text;
  v_bound jsonb;
  v_limit numeric;
  v_text text;
begin
  -- ECMAScript's numbers are finite doubles. What holds for the decimal number mostly holds for its
  -- double; where it does not, the double decides.
  if ecma and v_types && array['number', 'integer'] and not (
    node ?| array['minimum', 'exclusiveMinimum'] and node ?| array['maximum', 'exclusiveMaximum']
  ) then
    return query select 'number',
      format('(%1$s between -1e308 and 1e308 or abs(%2$s) < ''Infinity'')', v_number, v_double),
      'a finite number';
  end if;
  if 'integer' = any (v_types) and not 'number' = any (v_types) then
    return query select 'number',
      format(case when ecma then '(trunc(%1$s) = %1$s or trunc(%2$s) = %2$s)'
        else 'trunc(%1$s) = %1$s' end, v_number, v_double),
      'an integer';
  end if;

  for v_key, v_bound in select k.key, k.value from jsonb_each(node) k loop
    v_limit := case when jsonb_typeof(v_bound) = 'number' then v_bound::numeric end;
    -- Lengths and counts fit into this.
    v_text := greatest(0, least(9e18,
      case when v_key like 'min%' then ceil(v_limit) else floor(v_limit) end))::bigint::text;
    case v_key
      when 'minimum' then
        return query select 'number', format(case when ecma
          then '(%1$s >= %2$L::numeric or %3$s >= ' || c_float || ')'
          else '%1$s >= %2$L::numeric' end, v_number, v_limit, v_double, v_limit),
          'at least ' || v_limit;
      when 'maximum' then
        return query select 'number', format(case when ecma
          then '(%1$s <= %2$L::numeric or %3$s <= ' || c_float || ')'
          else '%1$s <= %2$L::numeric' end, v_number, v_limit, v_double, v_limit),
          'at most ' || v_limit;
      when 'exclusiveMinimum' then
        return query select 'number', format(case when ecma
          then '(%1$s > %2$L::numeric or %3$s > ' || c_float || ')'
          else '%1$s > %2$L::numeric' end, v_number,
          case when ecma then v_limit + greatest(abs(v_limit) * 1e-15, 1e-300) else v_limit end,
          v_double, v_limit), 'more than ' || v_limit;
      when 'exclusiveMaximum' then
        return query select 'number', format(case when ecma
          then '(%1$s < %2$L::numeric or %3$s < ' || c_float || ')'
          else '%1$s < %2$L::numeric' end, v_number,
          case when ecma then v_limit - greatest(abs(v_limit) * 1e-15, 1e-300) else v_limit end,
          v_double, v_limit), 'less than ' || v_limit;
      when 'multipleOf' then
        return query select 'number', format(case when ecma
          then 'jobtable_internal.is_multiple(%2$s, ' || c_float || ')'
          else 'mod(%1$s, %3$L::numeric) = 0' end, v_number, v_double, v_limit),
          'a multiple of ' || v_limit;
      when 'minLength' then
        return query select 'string', format('char_length(%s) >= %s', v_string, v_text),
          format('at least %s characters', v_text);
      when 'maxLength' then
        return query select 'string', format('char_length(%s) <= %s', v_string, v_text),
          format('at most %s characters', v_text);
      when 'pattern' then
        v_text := jobtable_internal.posix_pattern(v_bound #>> '{}', ecma);
        return query select 'string', format(case when ecma
          then 'jobtable_internal.code_units(%s) ~ %L collate "C"'
          else '%s ~ %L collate "C"' end, v_string, v_text),
          -- zod's export says by a pattern what its format means.
          case when ecma and node ? 'format'
            then format('a string of format "%s"', node ->> 'format')
            else format('a match of /%s/', v_bound #>> '{}')
          end
        where v_text is not null;
      when 'format' then
        v_text := jobtable_internal.format_pattern(v_bound #>> '{}');
        return query select 'string', format('%s ~ %L collate "C"', v_string, v_text),
          'a ' || (v_bound #>> '{}')
        where v_text is not null and not ecma;
      when 'minItems' then
        return query select 'array', format('%s >= %s', v_list, v_text),
          format('at least %s items', v_text);
      when 'maxItems' then
        return query select 'array', format('%s <= %s', v_list, v_text),
          format('at most %s items', v_text);
      when 'uniqueItems' then
        return query select 'array', format('jobtable_internal.is_unique(%s)', value),
          'items that all differ'
        where v_bound = 'true';
      when 'minProperties' then
        return query select 'object', format('%s >= %s', v_keys, v_text),
          format('at least %s properties', v_text);
      when 'maxProperties' then
        return query select 'object', format('%s <= %s', v_keys, v_text),
          format('at most %s properties', v_text);
      when 'const', 'enum' then
        return query
        select 'any', jobtable_internal.schema_choice(c.choices, value, ecma),
          case when v_key = 'enum' then 'one of ' else '' end
          || coalesce(left(
            (select string_agg(e.value::text, ', ') from jsonb_array_elements(c.choices) e), 500),
            'none')
        from (select case v_key when 'const' then jsonb_build_array(v_bound) else v_bound end)
          as c (choices);
      else null;
    end case;
  end loop;
end
$$;
