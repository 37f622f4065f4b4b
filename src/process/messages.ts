import { z } from 'zod'
import type { Job, Progress } from '../executor.ts'
import type { LogFields, Logger } from '../log.ts'
import { type WireThrown, wireThrown } from './wire-error.ts'

/** Marks our own messages: an executor may use the channel for its own. */
const TAG = 'jobtable/1'

/** Begins the attempt. */
export interface Start {
  readonly kind: 'start'
  /** The executor's. */
  readonly file: string
  readonly job: Job
  readonly lease: string
  readonly payload?: unknown
  /** Where the database is; undefined: the driver reads the PG* variables itself. */
  readonly connectionString?: string | undefined
  /** The worker's process. */
  readonly worker: number
}

/** What the worker tells the process of an attempt. */
export type Order =
  | Start
  | { readonly kind: 'abort'; readonly reason: WireThrown }
  /** To the question of the same number. */
  | { readonly kind: 'answer'; readonly n: number; readonly error?: WireThrown | undefined }
  /** The last report has been heard. */
  | { readonly kind: 'exit' }

/** A line of a log. */
export interface Line<Fields> {
  readonly level: keyof Logger
  readonly message: string
  readonly fields?: Fields | undefined
  /** Whether it is in the database already: then only the worker's own log is to have it. */
  readonly stored: boolean
}

/** How an executor came to its end. */
type EndOf<Result> =
  | { readonly kind: 'returned'; readonly result?: Result; readonly completed: boolean }
  /** `completed`, of both: whether a transaction of the process has completed the job. */
  | { readonly kind: 'threw'; readonly error: WireThrown; readonly completed: boolean }

type ReportOf<Fields, Result> =
  | {
      readonly kind: 'told'
      readonly progress?: Progress | undefined
      readonly lines: readonly Line<Fields>[]
    }
  | { readonly kind: 'facet'; readonly n: number; readonly name: string; readonly fields: Fields }
  /** A transaction that may complete the job is about to begin. */
  | { readonly kind: 'transaction'; readonly n: number }
  | EndOf<Result>

/** What the process of an attempt tells the worker. */
export type Report = ReportOf<LogFields, unknown>
export type End = EndOf<unknown>

/** The same as it is sent: values are JSON text, made by the same rules as in the worker's process. */
export type SentReport = ReportOf<string, string | undefined>
export type SentEnd = EndOf<string | undefined>

const job = z.object({
  id: z.string(),
  type: z.string(),
  owner: z.string(),
  title: z.string().nullable(),
  properties: z.record(z.string(), z.unknown()),
  priority: z.number().nullable(),
  key: z.string().nullable(),
  attempt: z.number(),
  createdAt: z.date(),
  runAt: z.date(),
  startedAt: z.date(),
})

const order: z.ZodType<Order> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('start'),
    file: z.string(),
    job,
    lease: z.string(),
    payload: z.unknown(),
    connectionString: z.string().optional(),
    worker: z.int(),
  }),
  z.object({ kind: z.literal('abort'), reason: wireThrown }),
  z.object({ kind: z.literal('answer'), n: z.int(), error: wireThrown.optional() }),
  z.object({ kind: z.literal('exit') }),
])

const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    context.addIssue('not JSON')
    return z.NEVER
  }
})

const fields = json.pipe(z.record(z.string(), z.unknown()))

const report: z.ZodType<Report> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('told'),
    progress: z
      .object({
        fraction: z.number().min(0).max(1).exactOptional(),
        stage: z.string().exactOptional(),
        message: z.string().exactOptional(),
      })
      .optional(),
    lines: z.array(
      z.object({
        level: z.enum(['trace', 'debug', 'info', 'warn', 'error']),
        message: z.string(),
        fields: fields.optional(),
        stored: z.boolean(),
      }),
    ),
  }),
  z.object({
    kind: z.literal('facet'),
    n: z.int(),
    // A question that is not understood would never be answered.
    name: z.coerce.string(),
    fields,
  }),
  z.object({ kind: z.literal('transaction'), n: z.int() }),
  z.object({ kind: z.literal('returned'), result: json.optional(), completed: z.boolean() }),
  z.object({ kind: z.literal('threw'), error: wireThrown, completed: z.boolean() }),
])

const envelope = z.object({ tag: z.literal(TAG), message: z.unknown() })

/** A message as it goes through the channel. */
export function tagged(message: Order | SentReport): object {
  return { tag: TAG, message }
}

/** A message of the worker; undefined for anything else. */
export function orderOf(received: unknown): Order | undefined {
  return order.safeParse(envelope.safeParse(received).data?.message).data
}

/** A message of the process; undefined for anything else. */
export function reportOf(received: unknown): Report | undefined {
  return report.safeParse(envelope.safeParse(received).data?.message).data
}
