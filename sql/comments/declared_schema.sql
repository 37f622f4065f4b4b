comment on table jobtable_internal.declared_schema is
'The last hundred schemas of payloads that executors have declared for a type; null: any object.';

comment on index jobtable_internal.declared_schema_pkey is
'Serves the registration of a type: whether its schema is known, and which is the newest.';
