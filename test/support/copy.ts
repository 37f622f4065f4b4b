import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from } from 'pg-copy-streams'
import type { Session } from './session.ts'

/** Sends lines of COPY's text format into `COPY target FROM STDIN` and answers how many came in. */
export async function copyIn(
  session: Session,
  target: string,
  lines: readonly string[],
): Promise<number> {
  const copy = session.client.query(from(`copy ${target} from stdin`))
  await pipeline(Readable.from(lines.map((line) => `${line}\n`)), copy)
  return copy.rowCount
}
