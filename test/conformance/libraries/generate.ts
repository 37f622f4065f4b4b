import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))

/** Makes the client of Prisma in the folder generated/, with the models of jobtable as they are now. */
export function generatePrisma(): void {
  copyFileSync(`${folder}../../../prisma/jobtable.prisma`, `${folder}prisma/jobtable.prisma`)
  execFileSync(`${folder}node_modules/.bin/prisma`, ['generate', '--schema', 'prisma'], {
    cwd: folder,
    stdio: 'pipe',
    // The engine of migrations, which would be loaded from Prisma's own server, has no part in this.
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
  })
}
