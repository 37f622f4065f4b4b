import { codeOf } from '../../src/errors.ts'
import type { Database } from './database.ts'
import { openSession, type Session } from './session.ts'

/** A schema of payloads as the database has compiled it. */
export interface Compiled {
  /** What is left to the worker. */
  readonly undecided: readonly { at: string; keyword: string; why: string }[]
  /** Whether a value of any kind fits, and what a refusal would say. */
  check(value: unknown): Promise<Answer>
  checkText(json: string): Promise<Answer>
  /** A JSON text with the schema's defaults. */
  fillText(json: string): Promise<string>
}

export interface Answer {
  readonly fits: boolean
  readonly faults: readonly string[]
}

/** Compiles schemas one after the other; nothing of it lasts. */
export interface Compiler extends AsyncDisposable {
  /** Undefined for a schema that is refused. */
  compile(schema: unknown): Promise<Compiled | undefined>
}

/** Transactions get slow with thousands of new functions in them. */
const SCHEMAS_A_TRANSACTION = 100

export async function openCompiler(database: Database): Promise<Compiler> {
  const session = await openSession(database)
  await session.query('set search_path = pg_catalog, pg_temp')
  await session.query('begin')
  let count = 0
  return {
    compile: async (schema) => {
      count += 1
      if (count % SCHEMAS_A_TRANSACTION === 0) await session.query('rollback; begin')
      return await compile(session, count, schema)
    },
    [Symbol.asyncDispose]: async () => {
      await session.query('rollback')
      await session[Symbol.asyncDispose]()
    },
  }
}

async function compile(
  session: Session,
  version: number,
  schema: unknown,
): Promise<Compiled | undefined> {
  const text = JSON.stringify(schema)
  await session.query('savepoint compile')
  try {
    await session.query(
      `select jobtable_internal.schema_check('tested', jobtable_internal.schema_modern($1, ''))`,
      [text],
    )
  } catch (error) {
    // 22P05: PostgreSQL's JSON has no character 0.
    if (!['JT020', '22P05'].includes(codeOf(error) ?? '')) throw error
    await session.query('rollback to savepoint compile')
    return undefined
  }
  await session.query(`select jobtable_internal.compile_schema(0, $1, $2)`, [version, text])
  await session.query('release savepoint compile')
  const undecided = await session.query<Compiled['undecided'][number]>(
    `select u.path as at, u.keyword, u.why
     from jsonb_to_recordset(jobtable_internal.schema_plan($1, '') -> 'undecided')
       as u (path text, keyword text, why text)`,
    [text],
  )
  const checkText = async (json: string): Promise<Answer> => {
    const [answer] = await session.query<Answer>(
      `select jobtable_internal.check_0_${version}_0($1, 0) as fits,
         jobtable_internal.schema_faults(
           jobtable_internal.schema_plan($2, ''), '{}', $1, '', 0) as faults`,
      [json, text],
    )
    if (answer === undefined) throw new Error('no answer')
    return answer
  }
  const [filling] = await session.query(`select from pg_proc where proname = 'fill_0_${version}_0'`)
  const fillText = async (json: string): Promise<string> => {
    if (filling === undefined) return json
    const [row] = await session.query<{ filled: string }>(
      `select jobtable_internal.fill_0_${version}_0($1)::text as filled`,
      [json],
    )
    return row?.filled ?? ''
  }
  return {
    undecided,
    fillText,
    checkText,
    check: async (value) => await checkText(JSON.stringify(value)),
  }
}

/** Makes a type known with a schema of payloads, as an operator would. */
export async function addChecked(database: Database, name: string, schema: unknown): Promise<void> {
  await database.query(
    'insert into jobtable.job_type (name, payload_schema) values ($1, $2) on conflict do nothing',
    [name, JSON.stringify(schema)],
  )
}
