import { EventEmitter } from 'node:events'
import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'
import { Command } from 'commander'
import type { Client } from 'pg'
import { codeOf } from '../errors.ts'
import { useJobtableSchema } from '../queries/session.ts'
import { connect, type DatabaseOptions, databaseOptions, locateDatabase } from './connect.ts'
import { messageOf, UsageError } from './errors.ts'
import { printNotice, SqlError } from './sql-error.ts'
import { printResult, printResultJson, resultSchema } from './sql-result.ts'

interface SqlOptions extends DatabaseOptions {
  readonly file?: string
  readonly json?: boolean
}

export function sqlCommand(): Command {
  return databaseOptions(new Command('sql'))
    .summary('run SQL, where no psql is installed')
    .description(
      'Runs SQL with search_path = public, jobtable. Several statements, parted by semicolons, are one ' +
        'transaction unless they say otherwise. COPY … FROM STDIN needs psql.',
    )
    .argument('[query]', 'the SQL (default: from --file or standard input)')
    .option('-f, --file <path>', 'read the SQL from a file; - is standard input')
    .option(
      '--json',
      'one line of JSON a result: an array of rows, or {"command", "rows"}; bigints as text',
    )
    .action(async (query: string | undefined, options: SqlOptions) => {
      const sql = await sqlFrom(query, options.file)
      const client = await connect(await locateDatabase(options), 'sql')
      client.on('notice', printNotice)
      printCopies(client)
      try {
        await useJobtableSchema(client)
        await run(client, sql, options.json === true)
      } finally {
        await client.end()
      }
    })
}

/** What COPY … TO STDOUT sends; the driver itself drops it. */
function printCopies(client: Client): void {
  const connection: unknown = Reflect.get(client, 'connection')
  if (!(connection instanceof EventEmitter)) return
  connection.on('copyData', ({ chunk }: { readonly chunk: Buffer }) => process.stdout.write(chunk))
}

async function sqlFrom(query: string | undefined, file: string | undefined): Promise<string> {
  if (query !== undefined && file !== undefined) {
    throw new UsageError('SQL is given twice: as an argument and by --file')
  }
  if (query !== undefined) return query
  if (file !== undefined && file !== '-') {
    try {
      return await readFile(file, 'utf8')
    } catch (cause) {
      throw new UsageError(`the file ${file} cannot be read: ${messageOf(cause)}`)
    }
  }
  if (file === undefined && process.stdin.isTTY) {
    throw new UsageError('there is no SQL to run', 'jobtable sql "select * from job_report"')
  }
  return readStream(process.stdin)
}

async function run(client: Client, sql: string, json: boolean): Promise<void> {
  let answer: unknown
  try {
    // Without parameters the driver sends the text as it is, with all of its statements. Values
    // come as the server writes them: nothing is lost to a float or a time zone.
    answer = await client.query({
      text: sql,
      rowMode: 'array',
      types: { getTypeParser: () => String },
    })
  } catch (error) {
    throw codeOf(error) === undefined ? error : new SqlError(error, sql)
  }
  for (const result of Array.isArray(answer) ? answer : [answer]) {
    const parsed = resultSchema.parse(result)
    if (json) printResultJson(parsed)
    else printResult(parsed)
  }
}
