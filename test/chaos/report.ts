import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { ClientBase } from 'pg'
import type { Observer } from './observer.ts'
import { FAULTS, type Strike } from './storm.ts'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const GIB = 1024 ** 3

/** What a run was of, for whoever repeats it. */
export interface Origin {
  readonly commit: string
  readonly machine: string
  readonly versions: string
}

/** How one fault struck. */
export interface FaultFigures {
  readonly strikes: number
  /** Strikes that found jobs held by what they struck. */
  readonly effective: number
  readonly held: number
  /**
   * From a strike until the last of the jobs held had ended or begun again, in seconds. One whose time has
   * not come, since it failed or the clock was set back, waits for no recovery; nor does one that a
   * client has put behind the others.
   */
  readonly longestRecovery: number
  /** That last job. */
  readonly slowest: string | undefined
}

export function describeOrigin(serverVersion: string): Origin {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: PROJECT, encoding: 'utf8' }).trim()
  const dirty = git('status', '--porcelain') !== ''
  const [cpu] = cpus()
  return {
    commit: git('rev-parse', 'HEAD') + (dirty ? '+' : ''),
    machine: `${cpus().length} × ${cpu?.model ?? 'unknown'}, ${Math.round(totalmem() / GIB)} GiB`,
    versions: `PostgreSQL ${serverVersion}, Node ${process.versions.node}`,
  }
}

/** The faults by name, from the strikes that were saved. */
export async function faultFigures(
  client: Pick<ClientBase, 'query'>,
  strikes: readonly Strike[],
  observer: Observer,
): Promise<Record<string, FaultFigures>> {
  const { rows } = await client.query<{ strike: number; seq: string | null; job: string }>(
    `select distinct on (h.strike) h.strike, r.seq::text, h.job
     from chaos.held h
     join chaos.strike k on k.id = h.strike
     left join jobtable.job j on j.id = h.job
     cross join lateral (
       select min(s.seq) as seq from chaos.step s
       where s.job = h.job and s.seq > k.from_seq and (
         s.status is distinct from 'queued' and s.status is distinct from 'new'
         or s.run_at > s.at
       )
     ) r
     where j.priority is null or j.priority <= 0
     order by h.strike, r.seq desc nulls last`,
  )
  const last = new Map(rows.map(({ strike, ...step }) => [strike, step]))
  const none = { strikes: 0, effective: 0, held: 0, longestRecovery: 0, slowest: undefined }
  const figures: Record<string, FaultFigures> = Object.fromEntries(
    FAULTS.map(({ name }) => [name, none]),
  )
  for (const [id, { fault, at, holding }] of strikes.entries()) {
    const { seq = null, job } = last.get(id) ?? {}
    const exact = seq === null ? 0 : (observer.timeOf(Number(seq)) - at) / 1_000
    const seconds = Math.round(exact * 10) / 10
    const before = figures[fault] ?? none
    const slower = job !== undefined && seconds > before.longestRecovery
    figures[fault] = {
      strikes: before.strikes + 1,
      effective: before.effective + (holding.jobs.length > 0 ? 1 : 0),
      held: before.held + holding.jobs.length,
      longestRecovery: Math.max(before.longestRecovery, seconds),
      slowest: slower ? job : before.slowest,
    }
  }
  return figures
}

/** What the database counts. */
export async function jobFigures(
  client: Pick<ClientBase, 'query'>,
): Promise<Readonly<Record<string, number>>> {
  const { rows } = await client.query<Record<string, string>>(
    `select
       (select count(*) from chaos.inserted) as inserted,
       (select count(*) from chaos.deleted) as deleted,
       (select count(*) from chaos.resubmitted) as resubmitted,
       (select count(*) from chaos.step s where s.status = 'completed') as completed,
       (select count(*) from chaos.step s where s.status = 'failed') as failed,
       (select count(*) from chaos.step s where s.status = 'cancelled') as cancelled,
       (select count(*) from jobtable.job j where j.status = 'new') as waiting,
       (select count(*) from chaos.step s where s.was = 'started' and s.status = 'new')
         as begun_again,
       (select count(*) from jobtable.job_attempt a where a.outcome = 'lost') as lost_attempts,
       (select count(*) from jobtable.job_attempt a where a.outcome = 'released')
         as released_attempts,
       (select count(*) from chaos.effect) as effects`,
  )
  return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([key, n]) => [key, Number(n)]))
}

/** What is asked of all faults together. */
export function totals(faults: Readonly<Record<string, FaultFigures>>): {
  readonly strikes: number
  readonly kills: number
  readonly serverRestarts: number
  readonly longestRecovery: number
} {
  const all = Object.entries(faults)
  const sum = (names: RegExp): number =>
    all.filter(([name]) => names.test(name)).reduce((total, [, { strikes }]) => total + strikes, 0)
  return {
    strikes: sum(/./),
    kills: sum(/^kill/),
    serverRestarts: sum(/^restart/),
    longestRecovery: Math.max(0, ...all.map(([, { longestRecovery }]) => longestRecovery)),
  }
}
