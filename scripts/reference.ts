// Writes docs/reference.md from the comments in a freshly installed database; --check compares instead.
import { sqlStates } from '../src/errors.ts'
import { writeGenerated } from './generated.ts'
import { withInstalled } from './installed.ts'
import { readCatalog } from './reference/catalog.ts'
import { renderReference } from './reference/markdown.ts'

const catalog = await withInstalled(readCatalog)
await writeGenerated(
  'docs/reference.md',
  renderReference(catalog, sqlStates),
  'scripts/reference.ts',
)
