import pino from 'pino'
import type { LogFields, Logger } from '../log.ts'
import { loggerTo } from '../log.ts'
import { UNSETTLED } from '../registry.ts'
import type { Worker } from '../worker.ts'
import { messageOf } from './errors.ts'
import { harmless, paint, withoutSecrets } from './output.ts'

/** From the most to the least. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

export type WorkerLogLevel = (typeof LOG_LEVELS)[number]

/** An outage is over when nothing has failed for so long since, in milliseconds: longer than any pause. */
const QUIET_MS = 5_000
/** How long without trouble makes an outage another one, in milliseconds. */
const OUTAGE_GAP_MS = 60_000

/**
 * After so long without wake-ups, in milliseconds, it is told why: polling every second tells before that
 * if the database is away.
 */
const FAULT_MS = 3_000

/**
 * The worker's own log, on standard error: lines for people on a terminal, else JSON as pino writes
 * it. Written at once, so that none is lost when the process ends.
 */
export function createLog(level: WorkerLogLevel, json: boolean): Logger {
  if (process.stderr.isTTY && !json) return terminalLog(level)
  const log = pino(
    { level, base: { pid: process.pid } },
    pino.destination({ dest: process.stderr.fd, sync: true }),
  )
  return loggerTo((at, message, fields) => log[at](unreserved(fields), withoutSecrets(message)))
}

/** What pino writes itself: a second one would make the line ambiguous. */
const RESERVED: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'msg'])

/** The fields of a line, those of these names with a `_` behind them. */
function unreserved(fields: LogFields = {}): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [RESERVED.has(name) ? `${name}_` : name, value]),
  )
}

function terminalLog(least: WorkerLogLevel): Logger {
  const stream = process.stderr
  return loggerTo((level, message, fields) => {
    if (rank(level) < rank(least)) return
    const time = new Date().toTimeString().slice(0, 8)
    const tag = paint(STYLES[level], level.padEnd(5), stream)
    const text = harmless(withoutSecrets(message)) + paint('dim', fieldsText(fields), stream)
    stream.write(`${paint('dim', time, stream)} ${tag} ${text}\n`)
  })
}

function rank(level: WorkerLogLevel): number {
  return LOG_LEVELS.indexOf(level)
}

const STYLES = {
  trace: 'dim',
  debug: 'dim',
  info: 'green',
  warn: 'yellow',
  error: 'red',
} as const

function fieldsText(fields: LogFields | undefined): string {
  return Object.entries(fields ?? {})
    .map(([name, value]) => {
      const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
      return ` ${name}=${harmless(withoutSecrets(text))}`
    })
    .join('')
}

/**
 * Tells of a promise that an executor has rejected and left alone, instead of ending the process and
 * with it the other jobs. An error that it throws out of a timer or event stops the process
 * gracefully: who knows in what state it has left it.
 */
export function logFaults(log: Logger): void {
  process.on('unhandledRejection', (reason) => {
    log.error('an executor left a rejected promise unhandled', { reason: messageOf(reason) })
  })
  process.on('uncaughtException', (error) => {
    log.error('an executor threw where nobody catches it: stopping', { stack: error.stack ?? '' })
    process.exitCode = 1
    process.kill(process.pid, 'SIGTERM')
  })
}

/**
 * Writes a worker's events into the log. An outage is told once, and its end; that wake-ups do not arrive
 * likewise, and only if it is not for an outage.
 */
export function logEvents({ events }: Pick<Worker, 'events'>, log: Logger): void {
  let troubledAt: number | undefined
  let quiet: NodeJS.Timeout | undefined
  /** Why wake-ups do not arrive. */
  let fault: string | undefined
  let isFaultTold = false
  let faultTimer: NodeJS.Timeout | undefined
  const tellFault = (): void => {
    if (fault === undefined || isFaultTold || troubledAt !== undefined) return
    isFaultTold = true
    log.warn('wake-ups do not arrive: looking for jobs every second', { reason: fault })
  }
  events.on('started', (id) => log.info('worker started', { worker: id }))
  events.on('listening', (reason) => {
    fault = reason
    clearTimeout(faultTimer)
    if (fault === undefined) {
      isFaultTold = false
      log.info('listening: jobs are picked up at once')
    } else {
      faultTimer = setTimeout(tellFault, FAULT_MS).unref()
    }
  })
  events.on('unsettled', (type, defaults) => log.warn(UNSETTLED, { type, defaults }))
  events.on('begun', (job) => {
    log.debug('job started', { job: job.id, type: job.type, attempt: job.attempt })
  })
  events.on('ended', (job, { outcome, detail, permanent }) => {
    const fields = { job: job.id, type: job.type, attempt: job.attempt, detail }
    // Whether attempts are left only the database knows.
    if (outcome === 'failed')
      log.warn(permanent === true ? 'job failed' : `attempt ${job.attempt} failed`, fields)
    else log.debug(`job ${outcome}`, fields)
  })
  events.on('lost', ({ id, outcome }) => {
    log.warn('the outcome was refused: the job is no longer held by this worker', {
      job: id,
      outcome,
    })
  })
  events.on('dropped', (jobs) => {
    log.warn('this worker was silent for too long: others run its jobs', {
      jobs: jobs.map(({ id }) => id),
    })
  })
  events.on('rescued', (id, jobs) => {
    log.warn('another worker is lost: its jobs were rescued', { lost: id, jobs })
  })
  events.on('purged', (count) => log.debug('removed jobs whose retention is over', { count }))
  events.on('trouble', (error) => {
    const now = performance.now()
    const known = troubledAt !== undefined && now - troubledAt < OUTAGE_GAP_MS
    troubledAt = now
    clearTimeout(quiet)
    if (!known) log.warn('trouble with the database; trying again', { reason: messageOf(error) })
  })
  events.on('recovered', () => {
    // Some of a worker's connections may be well while others are not.
    clearTimeout(quiet)
    quiet = setTimeout(() => {
      troubledAt = undefined
      log.info('the database answers again')
      tellFault()
    }, QUIET_MS).unref()
  })
  events.on('stopped', () => {
    clearTimeout(quiet)
    clearTimeout(faultTimer)
    log.info('worker stopped')
  })
}
