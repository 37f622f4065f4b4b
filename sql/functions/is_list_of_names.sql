-- Whether a value is an array of strings.
create or replace function jobtable_internal.is_list_of_names(value jsonb) returns boolean
language sql immutable
return jsonb_typeof(value) = 'array'
  and not jsonb_path_exists(value, '$[*] ? (@.type() != "string")');
