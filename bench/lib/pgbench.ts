import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { own } from './processes.ts'

/** Where Debian's package of PostgreSQL keeps its programs, by major version. */
const DEBIAN = '/usr/lib/postgresql'

/** What clients are to do. */
export interface ClientPlan {
  readonly clients: number
  readonly seconds: number
  /** Transactions a second of all clients, at random times. Default: as many as go. */
  readonly perSecond?: number
}

/** The path of pgbench; undefined if the machine has none. */
export function findPgbench(): string | undefined {
  const majors = existsSync(DEBIAN)
    ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a))
    : []
  const dirs = [
    ...majors.map((major) => join(DEBIAN, major, 'bin')),
    ...(process.env['PATH'] ?? '').split(':'),
  ]
  return dirs.map((dir) => join(dir, 'pgbench')).find((path) => existsSync(path))
}

/** Runs a statement by clients of one session each, as prepared statements; answers how often. */
export async function runPgbench(
  program: string,
  dir: string,
  url: string,
  sql: string,
  { clients, seconds, perSecond }: ClientPlan,
): Promise<number> {
  const script = join(dir, 'pgbench.sql')
  await writeFile(script, `${sql};\n`)
  const threads = Math.min(clients, availableParallelism())
  const args = ['-n', '-M', 'prepared', '-f', script, '-c', clients, '-j', threads, '-T', seconds]
  if (perSecond !== undefined) args.push('-R', perSecond)
  const child = own(
    spawn(program, args.map(String), {
      env: { ...process.env, ...libpqOf(url) },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  let trouble = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (trouble += text))
  await once(child, 'close')
  const done = /number of transactions actually processed: (\d+)/.exec(output)?.[1]
  if (child.exitCode !== 0 || done === undefined) throw new Error(`pgbench failed: ${trouble}`)
  return Number(done)
}

/** A connection string as the environment that libpq reads: no password in a list of processes. */
function libpqOf(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    PGHOST: hostname,
    PGPORT: port || '5432',
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: pathname.slice(1),
  }
}
