// Names the lines of the SQL that are longer than 100 columns, which squawk does not see.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const MOST = 100

const cwd = join(import.meta.dirname, '..')
const files = globSync('sql/**/*.sql', { cwd })
if (files.length === 0) throw new Error(`there is no SQL in ${join(cwd, 'sql')}`)
const long = files.flatMap((file) =>
  readFileSync(join(cwd, file), 'utf8')
    .split('\n')
    .flatMap((line, index) => (line.length > MOST ? [`${file}:${index + 1}`] : [])),
)
for (const place of long) console.error(`${place} is longer than ${MOST} columns`)
process.exitCode = long.length === 0 ? 0 : 1
