import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Room for the template, some twenty clones of it, and WAL. */
const MEMORY_DISK_BYTES = 2 * 1024 ** 3

/**
 * Creates a folder that the server's account may pass through: in memory where there is room, since
 * making a database is ten times faster there. The caller removes it.
 */
export async function createTemporaryDir(): Promise<string> {
  const base = isMemoryDiskUsable('/dev/shm') ? '/dev/shm' : tmpdir()
  const stem = 'jobtable-test-'
  for (const name of await readdir(base)) {
    const pid = name.startsWith(stem) ? Number.parseInt(name.slice(stem.length), 10) : Number.NaN
    // Left by a run that was killed; its server ended with it.
    if (pid > 0 && existsSync('/proc/self') && !existsSync(`/proc/${pid}`)) {
      await rm(join(base, name), { recursive: true, force: true })
    }
  }
  const dir = await mkdtemp(join(base, `${stem}${process.pid}-`))
  await chmod(dir, 0o711)
  return dir
}

/** Containers often mount it small, and so that no program runs from it, which the launcher may need. */
function isMemoryDiskUsable(path: string): boolean {
  if (!existsSync(path) || !existsSync('/proc/mounts')) return false
  const { bavail, bsize } = statfsSync(path)
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .findLast(([, mountPoint]) => mountPoint === path)
  const options = mount?.[3]?.split(',') ?? []
  return bavail * bsize >= MEMORY_DISK_BYTES && !options.includes('noexec')
}
