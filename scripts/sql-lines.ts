// Names the lines of the SQL that are longer than 100 columns, which squawk does not see.
import { globSync, readFileSync } from 'node:fs'

const MOST = 100

const long = globSync('sql/**/*.sql').flatMap((file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, index) => (line.length > MOST ? [`${file}:${index + 1}`] : [])),
)
for (const place of long) console.error(`${place} is longer than ${MOST} columns`)
process.exitCode = long.length === 0 ? 0 : 1
