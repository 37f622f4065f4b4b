import pg from 'pg'
import { codeOf, JobtableError } from '../../src/errors.ts'

/** What a client is told when the database refuses a statement. */
export interface Refusal {
  readonly code: string | undefined
  readonly message: string
  readonly detail: string | undefined
  readonly hint: string | undefined
}

/** How a statement was refused; fails if it was not. */
export async function refusal(statement: Promise<unknown>): Promise<Refusal> {
  let answer: unknown
  try {
    answer = await statement
  } catch (error) {
    if (error instanceof pg.DatabaseError || error instanceof JobtableError) {
      const { code, message, detail, hint } = error
      return { code, message, detail, hint }
    }
    throw error
  }
  throw new Error(`it should have been refused, but answered ${JSON.stringify(answer)}`)
}

/** The SQLSTATE with which a statement was refused; undefined if it was not. */
export async function refusedBy(statement: Promise<unknown>): Promise<string | undefined> {
  try {
    await statement
    return undefined
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined) throw error
    return code
  }
}
