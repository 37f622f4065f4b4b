// The steps of every client, with ODBC: isql reads one statement a line, without parameters.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { takeSteps } from './steps.ts'

const folder = mkdtempSync(join(tmpdir(), 'jobtable-odbc-'))
const { PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD } = process.env
writeFileSync(
  join(folder, 'odbc.ini'),
  `
[shop]
Driver = PostgreSQL Unicode
Servername = ${PGHOST}
Port = ${PGPORT}
Database = ${PGDATABASE}
Username = ${PGUSER}
Password = ${PGPASSWORD}
`,
)

/** What isql says of an error begins with its SQLSTATE in brackets. */
const SQLSTATE = /^\[(\w{5})\]/

/** Runs a line of statements and answers the rows that it gives, columns between bars. */
function isql(line: string): string[] {
  const { stdout, stderr } = spawnSync('isql', ['shop', '-b', '-v', '-d|'], {
    input: `${line.replaceAll(/\s+/g, ' ')}\n`,
    encoding: 'utf8',
    env: { ...process.env, ODBCINI: join(folder, 'odbc.ini') },
  })
  const refusal = (stdout + stderr).split('\n').find((text) => SQLSTATE.test(text))
  if (refusal !== undefined) throw new Error(refusal)
  return stdout.split('\n').filter((row) => row !== '')
}

/** How many rows a statement has met, which isql tells by those that come back. */
function count(statement: string): number {
  return isql(`${statement} returning id`).length
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return `'${(value instanceof Date ? value.toISOString() : text).replaceAll("'", "''")}'`
}

function insertion(rows: readonly object[]): string {
  const values = rows.map((row) => `(${Object.values(row).map(literal).join(', ')})`)
  return `insert into jobtable.job (${Object.keys(rows[0] ?? {}).join(', ')})
    values ${values.join(', ')}`
}

await takeSteps({
  insert: async (...rows) => count(insertion(rows)),
  insertReturningId: async (row) => isql(`${insertion([row])} returning id`)[0] ?? '',
  insertUnlessHeld: async (row) => count(`${insertion([row])} on conflict do nothing`),
  // isql commits each line, so that a transaction is one.
  insertAndRollBack: async (row) =>
    isql(`begin; ${insertion([row])} returning id; rollback`).length,
  update: async (id, changes) => {
    const assignments = Object.entries(changes).map(
      ([name, value]) => `${name} = ${literal(value)}`,
    )
    return count(`update jobtable.job set ${assignments.join(', ')} where id = ${id}`)
  },
  delete: async (id) => count(`delete from jobtable.job where id = ${id}`),
  read: async (id) => {
    const [row = ''] = isql(`
      select status, fraction, result, can_resubmit, lines, note
      from jobtable.job_report r join conform_note n on n.job = r.id where r.id = ${id}`)
    const [status, fraction, result = '', can_resubmit, lines, note] = row.split('|')
    return {
      status,
      fraction: Number(fraction),
      result: JSON.parse(result) as unknown,
      can_resubmit: can_resubmit === '1',
      lines: Number(lines),
      note,
    }
  },
  sqlState: (error) => (error instanceof Error ? SQLSTATE.exec(error.message)?.[1] : undefined),
  close: async () => rmSync(folder, { recursive: true }),
})
