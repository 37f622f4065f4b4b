-- A text in which each character beyond the Basic Multilingual Plane is two, as a regular
-- expression of ECMAScript without the flag u sees it.
create or replace function jobtable_internal.code_units(string text) returns text
language sql immutable parallel safe
return case
  when octet_length(string) = char_length(string) then string
  else regexp_replace(string, '[\U00010000-\U0010FFFF]', U&'\E000\E001', 'g')
end;
