comment on table jobtable.job_event is
'What happened to jobs of the types with history: inserted, moved, edited, deleted. Written by the
database in the transaction that did it.

Append-only. Events stay when their job is gone, until job_type.history_retention is over.';

comment on column jobtable.job_event.id is
'Number of the event: order of writing, not of commit.';

comment on column jobtable.job_event.job is
'The job: jobtable.job.id. It may be gone.';

comment on column jobtable.job_event.at is
'When it happened.';

comment on column jobtable.job_event.actor is
'Who did it: "worker 7", "queue" (retention and the like), or a client: who it is by the source that
jobtable.set_owner_source() has chosen; as installed the setting jobtable.owner, else the JWT''s
claim sub, else its role. As trustworthy as that source. Whom policies bind cannot pass for the
queue; anybody else can, by the setting jobtable.writer.';

comment on column jobtable.job_event.type is
'Type of the job.';

comment on column jobtable.job_event.owner is
'Owner of the job.';

comment on column jobtable.job_event.from_status is
'Status before; null: it was inserted.';

comment on column jobtable.job_event.to_status is
'Status after; the same as before: columns were edited. Null: it was deleted.';

comment on column jobtable.job_event.detail is
'What else there is to say, or null.

Of an edit each column with its values, {"priority": {"from": null, "to": -5}}; of one whose value
takes more than 2,000 bytes {"bytes": size} in its place. Of the queue attempt and status_detail.';

comment on index jobtable.job_event_pkey is
'Serves the history of one job, in order.';

comment on index jobtable.job_event_type_at_idx is
'Serves the purge, and "what has happened to jobs of this type since".';
