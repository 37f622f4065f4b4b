-- The keywords of JSON Schema that are known, with the kinds of JSON that they take, and what
-- becomes of them: 'note' (says nothing about a value), 'check' (compiled), 'worker' (listed as
-- undecided: only the executor's own schema tells).
create or replace function jobtable_internal.schema_keywords()
returns table (keyword text, takes text[], role text)
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select k, takes::text[], role
  from (values
    ('$schema,$id,id,$comment,$vocabulary,$anchor,$dynamicAnchor,title,description',
      '{string,object}', 'note'),
    ('$recursiveAnchor,deprecated,readOnly,writeOnly', '{boolean}', 'note'),
    ('examples,default,x-jobtable-semantics',
      '{null,boolean,number,string,array,object}', 'note'),
    ('$defs,definitions,properties,patternProperties,dependentSchemas', '{object}', 'check'),
    ('additionalProperties,propertyNames,items,contains,not,if,then,else',
      '{object,boolean}', 'check'),
    ('allOf,anyOf,oneOf,prefixItems,enum,required', '{array}', 'check'),
    ('type', '{string,array}', 'check'),
    ('const', '{null,boolean,number,string,array,object}', 'check'),
    ('minimum,maximum,exclusiveMinimum,exclusiveMaximum,multipleOf,minLength,maxLength,minItems'
      ',maxItems,minContains,maxContains,minProperties,maxProperties', '{number}', 'check'),
    ('uniqueItems', '{boolean}', 'check'),
    ('pattern,format,$ref', '{string}', 'check'),
    ('dependentRequired', '{object}', 'check'),
    ('x-jobtable-undecided', '{array}', 'check'),
    ('unevaluatedItems,unevaluatedProperties,contentSchema', '{object,boolean}', 'worker'),
    ('$dynamicRef,$recursiveRef,contentEncoding,contentMediaType', '{string}', 'worker')
  ) as v (keywords, takes, role)
  cross join lateral string_to_table(v.keywords, ',') k
$$;
