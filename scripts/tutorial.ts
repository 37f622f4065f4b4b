// Runs docs/tutorial.md, or the document given, as its reader would; see scripts/tutorial/steps.ts.
import { fileURLToPath } from 'node:url'
import { runDocument } from './tutorial/run.ts'

const file = process.argv[2] ?? fileURLToPath(new URL('../docs/tutorial.md', import.meta.url))

try {
  const count = await runDocument(file, ({ line, kind, text }) => {
    console.log(`line ${line} (${kind}): ${text.split('\n', 1)[0]}`)
  })
  console.log(`${count} steps went as written`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
