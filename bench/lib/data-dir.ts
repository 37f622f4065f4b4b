import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** On Linux /var/tmp is a disk where /tmp may be memory (file-hierarchy(7)). */
const PARENT = process.env['BENCH_DATA_DIR'] ?? '/var/tmp'

const STEM = 'jobtable-bench-'

/** Creates a folder for the servers' data, on disk, which accounts other than ours may pass through. */
export async function createDataDir(): Promise<string> {
  for (const name of await readdir(PARENT)) {
    if (!name.startsWith(STEM)) continue
    const isLeft = existsSync('/proc/self') && !existsSync(`/proc/${name.slice(STEM.length)}`)
    // Left by a run that was killed; its servers ended with it.
    if (isLeft) await rm(join(PARENT, name), { recursive: true, force: true })
  }
  const dir = join(PARENT, STEM + process.pid)
  await mkdir(dir)
  await chmod(dir, 0o711)
  return dir
}
