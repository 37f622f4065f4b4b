import { escapeLiteral } from 'pg'

// What the demo sends, to the letter as it shows it: anybody could have typed it.

export function insertJob(type: string, payload: Readonly<Record<string, unknown>>): string {
  const short = JSON.stringify(payload)
  const json = short.length <= 60 ? short : JSON.stringify(payload, undefined, 2)
  return `insert into jobtable.job (type, payload)
values (${escapeLiteral(type)}, ${escapeLiteral(json)})
returning id, status;`
}

export function selectState(job: string): string {
  return `select status, fraction, message from jobtable.job_report where id = ${job};`
}

export function selectTimes(job: string): string {
  return `select created_at, queued_at, started_at, finished_at, status, error_message
from jobtable.job_report where id = ${job};`
}

export function selectCounts(job: string): string {
  return `select table_name, rows, bytes from public.import_csv where job = ${job};`
}

export function selectResult(job: string): string {
  return `select value from jobtable.job_result where job = ${job};`
}
