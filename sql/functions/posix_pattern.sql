-- An ECMAScript regular expression as PostgreSQL writes it, matching exactly the same texts; null
-- if there is none, or if nobody has thought about it: \b, \p{…}, back references, more than 255
-- repetitions and the like.
create or replace function jobtable_internal.posix_pattern(pattern text, ecma boolean) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  c_space constant text := ' \t\n\v\f\r\u00a0\u1680\u2000-\u200a'
    '\u2028\u2029\u202f\u205f\u3000\ufeff';
  v_left text := pattern;
  v_token text;
  v_class boolean := false;
  v_atom boolean := false;
  v_code integer;
  v_result text := '';
begin
  while v_left <> '' loop
    v_token := case when v_class
      then substring(v_left from '^(?:\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[^xu])|[^\\])')
      else substring(v_left from '^(?:\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[^xu])|\(\?(?:<?[=!]|:)'
        || '|\(\?<[A-Za-z_]\w*>|\((?!\?)|\{\d+(?:,\d*)?\}|[^\\(])')
    end;
    if v_token is null then
      return null;
    end if;
    v_left := substr(v_left, length(v_token) + 1);

    if v_token in ('\d', '\w', '\s') then
      v_token := case v_token
        when '\d' then '0-9' when '\w' then 'A-Za-z0-9_' else c_space
      end;
      -- A class cannot be an end of a range.
      if v_class and (v_result ~ '[^\[^\\]-$' or v_left ~ '^-[^\]]') then
        return null;
      end if;
      v_result := v_result || case when v_class then v_token else '[' || v_token || ']' end;
      v_atom := true;
    elsif v_token in ('\D', '\W', '\S') and not v_class then
      v_result := v_result || '[^' || case v_token
        when '\D' then '0-9' when '\W' then 'A-Za-z0-9_' else c_space
      end || ']';
      v_atom := true;
    elsif v_token ~ '^\\[xu]' and length(v_token) > 2 then
      v_code := ('x' || lpad(substr(v_token, 3), 8, '0'))::bit(32)::integer;
      -- Half a character, or one that stands for such a half, or the end of no text.
      if v_code = 0 or (v_code >= 55296 and not (v_class and v_code = 65535)) then
        return null;
      end if;
      v_result := v_result || '\u' || lpad(to_hex(v_code), 4, '0');
      v_atom := true;
    elsif v_token ~ '^\\[tnvfr]$' or v_token ~ '^\\[^A-Za-z0-9]$' then
      v_result := v_result || v_token;
      v_atom := true;
    elsif v_token ~ '^\\' then
      return null;
    elsif v_class then
      if v_token = ']' then
        v_class := false;
        v_atom := true;
      elsif ascii(v_token) >= 55296 then
        return null;
      elsif v_token = '-' and v_left !~ '^\]' and v_result !~ '\[\^?$' then
        v_result := v_result || '-';
        continue;
      elsif v_token ~ '[A-Za-z0-9 ]' or ascii(v_token) > 127 then
        v_result := v_result || v_token;
        continue;
      else
        v_result := v_result || '\' || v_token;
        continue;
      end if;
      v_result := v_result || ']';
    elsif v_token = '[' then
      v_class := true;
      if v_left ~ '^\^' then
        v_left := substr(v_left, 2);
        v_token := '[^';
      end if;
      if v_left ~ '^\]' then
        return null;
      end if;
      v_result := v_result || v_token;
    elsif v_token = '.' then
      v_result := v_result || '[^\n\r\u2028\u2029]';
      v_atom := true;
    elsif v_token ~ '^(?:[*+?]|\{)' then
      if not v_atom or v_token = '{' or v_token ~ '\d{4}|[3-9]\d{2}|2[6-9]\d|25[6-9]' then
        return null;
      end if;
      v_result := v_result || v_token;
      -- Greedy or not is the same for whether there is a match at all.
      v_left := regexp_replace(v_left, '^\?', '');
      v_atom := false;
    elsif v_token ~ '^\(' then
      v_result := v_result || case when v_token ~ '^\(\?<?[=!]' then v_token else '(?:' end;
      v_atom := false;
    elsif v_token in ('|', '^', '$') then
      v_result := v_result || v_token;
      v_atom := false;
    elsif v_token in ('}', ']') or ascii(v_token) >= 55296 then
      return null;
    else
      v_result := v_result
        || case when v_token ~ '^[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]$'
            and v_token not in (')', ' ')
          then '\' else '' end || v_token;
      v_atom := true;
    end if;
  end loop;
  if v_class then
    return null;
  end if;
  perform '' ~ v_result;
  return v_result;
exception when invalid_regular_expression then
  return null;
end
$$;
