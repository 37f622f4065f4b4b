import type { ClientBase } from 'pg'
import type { Violation } from './invariants.ts'
import type { FaultFigures } from './report.ts'

/** Jobs whose story is told, of each invariant. */
const STORIES_EACH = 2

/** All that is known of a job, in the order in which it happened. */
async function storyOf(client: Pick<ClientBase, 'query'>, job: string): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(
    `select line from (
       select 0 as part, 0::bigint as seq, 'row       ' || to_jsonb(j)::text as line
       from jobtable.job j where j.id = $1
       union all
       select 1, s.seq, format('step      %s  %s → %s, attempt %s, worker %s, lease %s, at %s',
         s.seq, s.was, coalesce(s.status, 'gone'), s.attempt, s.worker, s.lease, s.at)
       from chaos.step s where s.job = $1
       union all
       select 1, t.seq, format('executor  %s  %s of attempt %s in process %s, lease %s, %s', t.seq,
         t.event, t.attempt, t.pid, t.lease, case when t.valid then 'valid' else 'not valid' end)
       from chaos.trace t where t.job = $1
       union all
       select 1, k.from_seq, format('strike    %s  %s, until %s', k.from_seq, k.fault, k.to_seq)
       from chaos.held h join chaos.strike k on k.id = h.strike where h.job = $1
       union all
       select 2, a.n, 'attempt   ' || (to_jsonb(a) - 'error_stack')::text
       from jobtable.job_attempt a where a.job = $1
       union all
       select 3, e.attempt, format('effect    of attempt %s', e.attempt)
       from chaos.effect e where e.job = $1
       union all
       select 4, 0, 'ledger    ' || what from (
         select 'inserted' as what, job from chaos.inserted
         union all select 'deleted', job from chaos.deleted
         union all select 'resubmitted', job from chaos.resubmitted
         union all select what || ' acknowledged', job from chaos.acknowledged
       ) l where l.job = $1
     ) story
     order by part, seq`,
    [job],
  )
  return rows.map(({ line }) => line)
}

/** Tells the story of the job that took longest to recover. */
export async function tellSlowest(
  client: Pick<ClientBase, 'query'>,
  faults: Readonly<Record<string, FaultFigures>>,
  say: (line: string) => void,
): Promise<void> {
  const [longest] = Object.entries(faults).toSorted(
    ([, a], [, b]) => b.longestRecovery - a.longestRecovery,
  )
  if (longest?.[1].slowest === undefined) return
  const [fault, { longestRecovery, slowest }] = longest
  say(`longest recovery: ${longestRecovery} s after ${fault}, of job ${slowest}`)
  for (const line of await storyOf(client, slowest)) say(`    ${line}`)
}

/** Tells every violation, and the stories of some of the jobs. */
export async function tellViolations(
  client: Pick<ClientBase, 'query'>,
  violations: readonly Violation[],
  say: (line: string) => void,
): Promise<void> {
  const told = new Map<string, number>()
  for (const { invariant, job, fact } of violations) {
    say(`VIOLATION ${invariant}: ${job === null ? '' : `job ${job}: `}${fact}`)
    const before = told.get(invariant) ?? 0
    if (job === null || before >= STORIES_EACH) continue
    told.set(invariant, before + 1)
    for (const line of await storyOf(client, job)) say(`    ${line}`)
  }
}
