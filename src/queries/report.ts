import type { ClientBase, QueryArrayResult } from 'pg'
import { one } from '../database.ts'
import { fromDatabase } from '../errors.ts'

/** Rows that are held at a time, however many a report has. */
const BATCH = 1_000

export interface ReportRequest {
  readonly type: string
  /** Names of facet tables; undefined: those that the type's executor declares. */
  readonly facets: readonly string[] | undefined
  /** At most so many jobs, the newest; undefined: all. */
  readonly limit: number | undefined
}

/** A part of a report; every value as PostgreSQL writes it. */
export interface ReportBatch {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** A type's jobs with their facets, newest first. The first batch is there even if it is empty. */
export async function* reportBatches(
  client: ClientBase,
  request: ReportRequest,
): AsyncGenerator<ReportBatch> {
  yield* batches(client, await newestFirst(client, request))
}

/** The same with times as JSON has them, and with wait_ms and run_ms, as jobs are printed elsewhere. */
export async function* jsonReportBatches(
  client: ClientBase,
  request: ReportRequest,
): AsyncGenerator<ReportBatch> {
  const query = await newestFirst(client, request)
  const columns = (await fieldsOf(client, query)).map(({ name, dataTypeID }) => {
    const column = client.escapeIdentifier(name)
    if (dataTypeID === TIMESTAMPTZ) return `${ISO_8601.replaceAll('%', () => column)} as ${column}`
    const duration = /^(wait|run)_time$/.exec(name)?.[1]
    if (duration === undefined) return column
    return `(extract(epoch from ${column}) * 1000)::float8 as ${duration}_ms`
  })
  yield* batches(client, `select ${columns.join(', ')} from (${query}) r`)
}

/** The oid of the type, which never changes. */
const TIMESTAMPTZ = 1184

/** As JSON.stringify writes a Date; what that could not is left as it is, such as infinity. */
const ISO_8601 = `case when % between '0001-01-01Z' and '9999-12-31Z'
  then to_char(% at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') else %::text end`

/** What can be drawn of a column. Durations in seconds, times in milliseconds since 1970. */
export interface PlotData {
  readonly kind: 'number' | 'duration' | 'time' | 'text'
  /** Without nulls. */
  readonly values: readonly string[]
}

/** Undefined if the report has no such column. */
export async function plotData(
  client: ClientBase,
  request: ReportRequest,
  column: string,
): Promise<PlotData | undefined> {
  const query = await newestFirst(client, request)
  const field = (await fieldsOf(client, query)).find(({ name }) => name === column)
  if (field === undefined) return undefined
  const [kind, expression] = KINDS.get(field.dataTypeID) ?? AS_TEXT
  const name = client.escapeIdentifier(column)
  const values: string[] = []
  for await (const { rows } of batches(
    client,
    `select ${expression.replace('%', () => `r.${name}`)} from (${query}) r where r.${name} is not null`,
  )) {
    for (const [value] of rows) if (value !== null && value !== undefined) values.push(value)
  }
  return { kind, values }
}

type Drawn = readonly [kind: PlotData['kind'], expression: string]

const AS_NUMBER: Drawn = ['number', '%::float8']
const AS_TIME: Drawn = ['time', 'extract(epoch from %) * 1000']
const AS_DURATION: Drawn = ['duration', 'extract(epoch from %)']
const AS_TEXT: Drawn = ['text', '%::text']

/** How columns are drawn, by the oids of their types, which never change; the others as text. */
const KINDS: ReadonlyMap<number, Drawn> = new Map<number, Drawn>([
  ...[20, 21, 23, 700, 701, 1700].map((oid) => [oid, AS_NUMBER] as const),
  ...[1082, 1114, 1184].map((oid) => [oid, AS_TIME] as const),
  [1186, AS_DURATION],
])

async function newestFirst(client: ClientBase, request: ReportRequest): Promise<string> {
  const { query } = await one<{ query: string }>(
    client,
    `select jobtable_internal.report_query($1, (
      select array_agg(jobtable_internal.facet_named(f.name) order by f.ord)
      from unnest($2::text[]) with ordinality as f (name, ord)
    )) as query`,
    [request.type, request.facets ?? null],
  )
  const limit = request.limit === undefined ? '' : ` limit ${request.limit}`
  return `${query} order by r.id desc${limit}`
}

async function fieldsOf(client: ClientBase, query: string): Promise<ReportBatch['fields']> {
  return (await textQuery(client, `select * from (${query}) r limit 0`)).fields
}

/** The rows of a query through a cursor: neither side holds more than a batch. */
async function* batches(client: ClientBase, query: string): AsyncGenerator<ReportBatch> {
  await client.query('begin read only')
  try {
    await textQuery(client, `declare report no scroll cursor for ${query}`)
    for (;;) {
      const batch = await textQuery(client, `fetch ${BATCH} from report`)
      yield batch
      if (batch.rows.length < BATCH) return
    }
  } finally {
    await client.query('rollback')
  }
}

async function textQuery(client: ClientBase, text: string): Promise<ReportBatch> {
  try {
    const answer: QueryArrayResult<(string | null)[]> = await client.query({
      text,
      rowMode: 'array',
      types: { getTypeParser: () => String },
    })
    return answer
  } catch (error) {
    throw fromDatabase(error)
  }
}
