import type { Database } from '../../database.ts'
import { haltedTypes, oddities, orphans, overrides, unattendedTypes } from '../../queries/doctor.ts'
import { durationText } from '../time.ts'
import { type Finding, fault, orOk, warning } from './finding.ts'

/** Whether somebody runs what waits. */
export async function checkWorkers(database: Database): Promise<readonly Finding[]> {
  const findings = (await unattendedTypes(database)).map(({ type, jobs, more }) =>
    fault(
      'live_worker',
      `no live worker runs type "${type}", of which ${more ? 'more than ' : ''}${jobs} ${jobs === 1 ? 'job waits' : 'jobs wait'}`,
      `start one whose --executors folder has the executor of "${type}"`,
    ),
  )
  return orOk(findings, 'live_worker', 'every type with waiting jobs has a live worker')
}

/** Whether operators have set something about the types that should not be forgotten. */
export async function checkTypes(database: Database): Promise<readonly Finding[]> {
  const findings = [
    ...(await haltedTypes(database)).map(({ type, state }) =>
      warning(
        'halted_type',
        `type "${type}" is ${state}: none of its jobs is claimed`,
        'set paused = false, enabled = true in jobtable.job_type when it shall go on',
      ),
    ),
    ...(await overrides(database)).map(({ type, column, declared, value }) =>
      warning(
        'overridden_type',
        declared === null
          ? `${column} of type "${type}" is set by hand: what its executor declares is left aside`
          : `${column} of type "${type}" is set to ${value}; its executor declares ${declared}`,
        `to follow the executor again: select jobtable.reset_type('${type.replaceAll("'", "''")}', '${column}')`,
      ),
    ),
  ]
  return orOk(findings, 'types', 'all types are as their executors declare them')
}

/** Whether all that is held is held by somebody who lives. */
export async function checkHeldJobs(database: Database): Promise<readonly Finding[]> {
  const findings = (await orphans(database)).map(({ worker, host, pid, seconds, jobs, ids }) => {
    const who = host === null ? '' : ` (process ${pid} on ${host})`
    const since =
      seconds === null ? 'whose row is gone' : `silent for ${durationText(seconds * 1e3)}`
    return fault(
      'held_jobs',
      `worker ${worker}${who}, ${since}, holds ${jobs} unfinished ${jobs === 1 ? 'job' : 'jobs'}: ${ids.join(', ')}${jobs > ids.length ? ' …' : ''}`,
      host === null
        ? 'nobody runs them: look at each with "jobtable show"'
        : 'another worker rescues them within seconds: start one if none runs; if one does, its log tells what keeps it from that',
    )
  })
  return orOk(findings, 'held_jobs', 'unfinished jobs are held by live workers only')
}

/** Whether clock, wake-ups and ids are as the queue needs them. */
export async function checkOddities(database: Database): Promise<readonly Finding[]> {
  const odd = await oddities(database)
  const findings: Finding[] = []
  if (odd.frozen_at !== null) {
    findings.push(
      fault(
        'clock',
        `the setting jobtable.now holds the queue's clock at ${odd.frozen_at}`,
        'it is for tests: reset jobtable.now for the database and its roles',
      ),
    )
  }
  if (odd.ahead_seconds !== null) {
    findings.push(
      warning(
        'clock',
        `a worker has last shown itself ${durationText(odd.ahead_seconds * 1e3)} from now: the server's clock was set back`,
        "keep the server's clock in step (NTP); jobs run late until it has caught up",
      ),
    )
  }
  if (odd.notify_off) {
    findings.push(
      warning(
        'notify',
        'the setting jobtable.notify is off for every session: new jobs are found by polling',
        'reset jobtable.notify for the database and its roles, and set it where it is needed',
      ),
    )
  }
  if (odd.sequence_behind) {
    findings.push(
      fault(
        'sequence',
        'the sequence of job ids is behind the largest id: INSERTs will meet ids that are taken',
        "select setval('jobtable.job_id_seq', (select max(id) from jobtable.job))",
      ),
    )
  }
  return orOk(findings, 'clock', 'clock, wake-ups and ids are in order')
}
