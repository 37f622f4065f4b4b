// Writes the types of the tables for TypeScript, Kysely, Drizzle and Prisma from the catalog of a
// freshly installed database; --check compares instead.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { writeGenerated } from './generated.ts'
import { withInstalled } from './installed.ts'
import { readCatalog } from './reference/catalog.ts'
import { renderDrizzle } from './types/drizzle.ts'
import { renderJob } from './types/job.ts'
import { renderKysely } from './types/kysely.ts'
import { renderPrisma } from './types/prisma.ts'
import { readShapes } from './types/shape.ts'

const BIOME = fileURLToPath(new URL('../node_modules/.bin/biome', import.meta.url))

const { shapes, types } = await withInstalled(async (client) => {
  const catalog = await readCatalog(client)
  return { shapes: await readShapes(client, catalog), types: catalog.types }
})
await write('src/types/job.ts', renderJob(shapes, types))
await write('src/types/kysely.ts', renderKysely(shapes, types))
await write('src/types/drizzle.ts', renderDrizzle(shapes, types))
await write('prisma/jobtable.prisma', renderPrisma(shapes, types))

async function write(path: string, text: string): Promise<void> {
  const formatted = path.endsWith('.ts') ? format(path, text) : text
  await writeGenerated(path, formatted, 'scripts/types.ts')
}

/** As `npm run format` would leave it. */
function format(path: string, text: string): string {
  return execFileSync(BIOME, ['format', `--stdin-file-path=${path}`], {
    input: text,
    encoding: 'utf8',
  })
}
