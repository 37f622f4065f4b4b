create table jobtable.job_share (
  owner text not null default jobtable.current_owner(),
  grantee text collate "C" not null,
  level text not null default 'view',
  constraint job_share_pkey primary key (grantee, owner),
  constraint level_is_view_or_act check (level in ('view', 'act')),
  constraint grantee_is_somebody_else check (grantee <> owner collate "C")
);

create index job_share_owner_idx on jobtable.job_share (owner);

create table jobtable.owner_quota (
  owner text not null,
  max_unfinished bigint,
  max_inserts_per_minute bigint,
  constraint owner_quota_pkey primary key (owner),
  constraint max_unfinished_is_not_negative check (max_unfinished >= 0),
  constraint max_inserts_per_minute_is_not_negative check (max_inserts_per_minute >= 0)
);

-- Who locks an owner's row has the turn: nobody else counts that owner's jobs meanwhile.
create table jobtable_internal.turn (
  owner text not null,
  unfinished bigint not null default 0,
  lowest bigint not null default 0,
  seconds bigint[] not null default '{}',
  inserted bigint[] not null default '{}',
  constraint turn_pkey primary key (owner)
) with (fillfactor = 50);

-- The jobs that `turn.unfinished` counts, and so never more than the owner may have: an index of
-- unfinished jobs that workers do not write to.
create table jobtable_internal.counted (
  owner text not null,
  id bigint not null,
  constraint counted_pkey primary key (owner, id)
) with (
  vacuum_truncate = off,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_cost_delay = 0
);

create table jobtable_internal.isolation (
  enabled boolean not null default false,
  reader name,
  submitter name,
  operator name,
  worker name,
  admin name,
  sharing boolean not null default false,
  owner_source text not null default 'any',
  owner_detail text,
  policies_hash text,
  only_row boolean not null default true,
  constraint isolation_is_one_row primary key (only_row),
  constraint only_row_is_true check (only_row)
);

insert into jobtable_internal.isolation default values;
