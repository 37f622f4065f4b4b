import type { Database } from '../../database.ts'
import { autovacuum, type Holder, hiddenSessions, snapshotHolders } from '../../queries/doctor.ts'
import { durationText } from '../time.ts'
import { type Finding, fault, orOk, warning } from './finding.ts'

/** Whether autovacuum is on: without it every claim reads through ever more dead rows. */
export async function checkAutovacuum(database: Database): Promise<readonly Finding[]> {
  const { off, tables } = await autovacuum(database)
  const findings = [
    ...off.map((name) =>
      fault(
        'autovacuum',
        `the server runs with ${name} = off`,
        `alter system set ${name} = on; select pg_reload_conf()`,
      ),
    ),
    ...tables.map((table) =>
      fault(
        'autovacuum',
        `autovacuum is off for ${table}`,
        `alter table ${table} reset (autovacuum_enabled)`,
      ),
    ),
  ]
  return orOk(findings, 'autovacuum', 'autovacuum is on')
}

/** Whether dead rows can be removed, or something still needs them. */
export async function checkSnapshots(
  database: Database,
  seconds: number,
): Promise<readonly Finding[]> {
  const holders = await snapshotHolders(database, seconds)
  const hidden = await hiddenSessions(database)
  const findings = holders.map(findingOf)
  if (hidden > 0) {
    findings.push(
      warning(
        'snapshot',
        `${hidden} sessions of other roles cannot be looked into`,
        'grant pg_read_all_stats to the role, or run doctor as one that has it',
      ),
    )
  }
  const limit = durationText(seconds * 1e3)
  return orOk(findings, 'snapshot', `no transaction has been open for more than ${limit}`)
}

function findingOf({ kind, name, what, seconds }: Holder): Finding {
  const age = seconds === null ? '' : ` for ${durationText(seconds * 1e3)}`
  switch (kind) {
    case 'session':
      return fault(
        'snapshot',
        `process ${name} (${what}) has had a transaction open${age}: no row deleted since can be removed`,
        `have it commit, or end it: select pg_terminate_backend(${name})`,
      )
    case 'prepared':
      return fault(
        'snapshot',
        `the transaction "${name}" (${what}) has been prepared${age}: no row deleted since can be removed`,
        `commit prepared or rollback prepared '${name.replaceAll("'", "''")}'`,
      )
    case 'slot':
      return fault(
        'snapshot',
        `the ${what} replication slot "${name}" keeps deleted rows from being removed`,
        `have its standby catch up, or drop it: select pg_drop_replication_slot('${name}')`,
      )
  }
}
