import { writeFile } from 'node:fs/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { ClientBase } from 'pg'
import {
  jsonReportBatches,
  plotData,
  type ReportBatch,
  type ReportRequest,
  reportBatches,
} from '../queries/report.ts'
import { type DatabaseOptions, databaseOptions, withDatabase } from './connect.ts'
import { UsageError } from './errors.ts'
import { integer, jsonOption, repeated } from './options.ts'
import { type Column, note, print, printTable } from './output.ts'
import { plotLines, plotOf } from './plot.ts'
import { isNumber, jsonRow } from './sql-result.ts'
import { plotSvg } from './svg.ts'

const DEFAULT_LIMIT = 1_000

interface ReportOptions extends DatabaseOptions {
  readonly facet?: readonly string[]
  readonly limit: number | 'all'
  readonly csv?: boolean
  readonly json?: boolean
  readonly plot?: string
  readonly svg?: string
}

export function reportCommand(): Command {
  return databaseOptions(new Command('report'))
    .summary('report on the jobs of a type')
    .description(
      'Prints the jobs of a type, newest first, beside their rows in its facet tables. A table for ' +
        'people leaves out the columns that have no values.',
    )
    .argument('<type>', 'name of the type')
    .option(
      '--facet <table>',
      "join this facet, and none but those named (default: the executor's); may be repeated",
      repeated(String),
    )
    .option('--limit <count>', 'at most so many jobs, or "all"', countOrAll, DEFAULT_LIMIT)
    .addOption(new Option('--csv', 'print CSV').conflicts(['json', 'plot']))
    .addOption(jsonOption('an array of jobs').conflicts('plot'))
    .option('--plot <column>', 'draw how many jobs have which values of a column')
    .option('--svg <file>', 'with --plot: draw into an SVG file')
    .action(async (type: string, options: ReportOptions) => {
      if (options.svg !== undefined && options.plot === undefined) {
        throw new UsageError('--svg needs a column to draw', 'Name one: --plot run_time')
      }
      const request = {
        type,
        facets: options.facet,
        limit: options.limit === 'all' ? undefined : options.limit,
      }
      await withDatabase(options, 'report', async (database) => {
        const client = await database.connect()
        try {
          await run(client, request, options)
        } finally {
          client.release()
        }
      })
    })
}

function countOrAll(text: string): number | 'all' {
  if (text === 'all') return 'all'
  try {
    return integer(1, Number.MAX_SAFE_INTEGER)(text)
  } catch {
    throw new InvalidArgumentError('It must be a whole number from 1, or "all".')
  }
}

async function run(
  client: ClientBase,
  request: ReportRequest,
  { csv, json, plot, svg }: ReportOptions,
): Promise<void> {
  if (plot !== undefined) return await draw(client, request, plot, svg)
  if (json === true) return await printJsonArray(jsonReportBatches(client, request))
  const batches = reportBatches(client, request)
  if (csv === true) return await printCsv(batches)
  await printPeople(batches, request.limit)
}

async function draw(
  client: ClientBase,
  request: ReportRequest,
  column: string,
  file: string | undefined,
): Promise<void> {
  const data = await plotData(client, request, column)
  if (data === undefined) {
    throw new UsageError(
      `the report of type "${request.type}" has no column "${column}"`,
      'jobtable report TYPE --csv --limit 1 names them all.',
    )
  }
  const plot = plotOf(data)
  if (file === undefined) for (const line of plotLines(plot)) print(line)
  else await writeFile(file, plotSvg(plot, `${column} of ${request.type}`))
  note(`${column} of ${data.values.length} jobs${file === undefined ? '' : ` in ${file}`}`)
}

type Batches = AsyncIterable<ReportBatch>

async function printCsv(batches: Batches): Promise<void> {
  let headed = false
  for await (const { fields, rows } of batches) {
    if (!headed) print(fields.map(({ name }) => csvField(name)).join(','))
    headed = true
    for (const row of rows) print(row.map(csvField).join(','))
  }
}

/** RFC 4180. Null is nothing, the empty text is quoted, as COPY writes them. */
function csvField(value: string | null): string {
  if (value === null) return ''
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

/** One array, a job a line, written as it comes. */
async function printJsonArray(batches: Batches): Promise<void> {
  let before = '['
  for await (const { fields, rows } of batches) {
    for (const row of rows) {
      print(before)
      before = `${JSON.stringify(jsonRow(fields, row))},`
    }
  }
  print(before === '[' ? '[]' : `${before.slice(0, -1)}]`)
}

async function printPeople(batches: Batches, limit: number | undefined): Promise<void> {
  const rows: (readonly (string | null)[])[] = []
  let columns: Column<(typeof rows)[number]>[] = []
  for await (const batch of batches) {
    rows.push(...batch.rows)
    columns = batch.fields.flatMap(({ name, dataTypeID }, at) =>
      rows.some((row) => row[at] !== null)
        ? [
            {
              title: name,
              value: (row) => row[at] ?? '',
              align: isNumber(dataTypeID) ? 'right' : 'left',
            },
          ]
        : [],
    )
  }
  if (rows.length === 0) note('no jobs')
  else printTable(columns, rows)
  if (rows.length === limit) note(`the newest ${rows.length}: more with --limit`)
}
