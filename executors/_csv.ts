// Shared by the executors of this folder: a file that begins with _ is not loaded as one.
import { open, stat } from 'node:fs/promises'

/** Names of columns that take more are no names of columns. */
const MAX_HEADER_BYTES = 64 * 1024

/** A CSV file whose first line names its columns. */
export interface CsvFile {
  readonly path: string
  readonly bytes: number
  readonly columns: readonly string[]
}

/** Looks into a file. Throws an Error that names it if it cannot be read or has no header. */
export async function inspectCsv(path: string, delimiter: string): Promise<CsvFile> {
  const { bytes, head } = await beginningOf(path).catch((cause: Error) => {
    throw new Error(`${path} cannot be read: ${cause.message}`, { cause })
  })
  // Not all of the last character may have been read, and a byte order mark is no part of a name.
  const text = new TextDecoder().decode(head)
  const columns = firstRecord(text, delimiter, head.length === bytes)
  if (columns === undefined) throw new Error(`${path}, line 1: does not end`)
  const nameless = columns.indexOf('')
  if (nameless >= 0) throw new Error(`${path}, line 1: column ${nameless + 1} has no name`)
  return { path, bytes, columns }
}

/** An error of COPY with the place in the file that it is about; any other error as it is. */
export function atLine({ path }: CsvFile, error: unknown): unknown {
  if (!(error instanceof Error) || !('where' in error)) return error
  const [, line, column] = /, line (\d+)(?:, column ([^:]+))?/.exec(String(error.where)) ?? []
  if (line === undefined) return error
  const place = column === undefined ? `line ${line}` : `line ${line}, column "${column}"`
  return new Error(`${path}, ${place}: ${error.message}`, { cause: error })
}

async function beginningOf(path: string): Promise<{ bytes: number; head: Uint8Array }> {
  const found = await stat(path)
  // A named pipe, say, would be waited for before it is opened.
  if (!found.isFile()) throw new Error('it is not a file')
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(MAX_HEADER_BYTES) })
    return { bytes: found.size, head: buffer.subarray(0, bytesRead) }
  } finally {
    await file.close()
  }
}

/** The fields up to the end of the first line, or of a text that is whole; undefined without one. */
function firstRecord(text: string, delimiter: string, whole: boolean): string[] | undefined {
  const fields: string[] = []
  let field = ''
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (quoted && char === '"' && text[at + 1] === '"') {
      field += char
      at += 1
    } else if (char === '"') {
      quoted = !quoted
    } else if (!quoted && char === delimiter) {
      fields.push(field)
      field = ''
    } else if (!quoted && (char === '\n' || char === '\r')) {
      return [...fields, field]
    } else {
      field += char
    }
  }
  return whole && !quoted ? [...fields, field] : undefined
}
