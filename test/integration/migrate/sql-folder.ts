import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { SourceOptions } from '../../../src/migrate.ts'

const BOOTSTRAP = fileURLToPath(new URL('../../../sql/bootstrap.sql', import.meta.url))

/** A small jobtable: a table whose default calls a function, a trigger, two views. */
export const small = {
  'migrations/0001_thing.sql': `create table jobtable.thing (
  id bigint primary key,
  name text not null default jobtable.default_name()
);`,
  'functions/default_name.sql': `--! before tables
create or replace function jobtable.default_name() returns text language sql return 'it''s \\1';`,
  'functions/guard.sql': `--! requires: label
create or replace function jobtable_internal.guard() returns trigger language plpgsql
as $$ begin return new; end $$;
create or replace trigger guard before insert on jobtable.thing
for each row execute function jobtable_internal.guard();`,
  'functions/label.sql': `create or replace function jobtable.label(id bigint) returns text
language sql return 'thing ' || id;`,
  'views/a_summary.sql': `--! requires: b_detail
create or replace view jobtable.a_summary as select count(*) as things from jobtable.b_detail;`,
  'views/b_detail.sql': `create or replace view jobtable.b_detail as
select t.id, jobtable.label(t.id) as label from jobtable.thing t;`,
  'comments/thing.sql': `comment on table jobtable.thing is 'Näheres über "things".';`,
  'grants.sql':
    'revoke execute on all functions in schema jobtable, jobtable_internal from public;',
} as const satisfies Files

/** Paths from the SQL folder, and what is in the files. */
export type Files = Readonly<Record<string, string>>

/** Writes a version's SQL into a folder that goes with the test. */
export async function sqlFolder(
  files: Files = small,
  packageVersion = '1.0.0',
): Promise<SourceOptions> {
  const sqlDir = await mkdtemp(join(tmpdir(), 'jobtable-sql-'))
  onTestFinished(() => rm(sqlDir, { recursive: true }))
  await copyFile(BOOTSTRAP, join(sqlDir, 'bootstrap.sql'))
  for (const [path, sql] of Object.entries(files)) {
    await mkdir(dirname(join(sqlDir, path)), { recursive: true })
    await writeFile(join(sqlDir, path), sql)
  }
  return { sqlDir, packageVersion }
}

/** `files` without those of the given paths. */
export function without(files: Files, ...paths: readonly string[]): Files {
  return Object.fromEntries(Object.entries(files).filter(([path]) => !paths.includes(path)))
}
