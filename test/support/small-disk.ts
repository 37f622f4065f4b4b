import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const CHUNK_BYTES = [1_048_576, 4_096] as const

/** A file system of its own, in memory, that can be filled. */
export interface SmallDisk extends Disposable {
  readonly path: string
  /** Takes all the room that is left. */
  fill(): void
  /** Gives it back. */
  free(): void
}

/** Mounts one; undefined where that is not allowed: it takes root, on Linux. */
export function mountSmallDisk(megabytes: number): SmallDisk | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  const path = mkdtempSync(join(tmpdir(), 'jobtable-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=711`, 'tmpfs', path], {
      stdio: 'ignore',
    })
  } catch {
    // Root of a container may not.
    rmdirSync(path)
    return undefined
  }
  chmodSync(path, 0o711)
  const filler = join(path, 'filler')
  return {
    path,
    fill: () => {
      for (const bytes of CHUNK_BYTES) takeAll(filler, Buffer.alloc(bytes))
    },
    free: () => rmSync(filler, { force: true }),
    [Symbol.dispose]: () => {
      // What a process still has open goes when it ends.
      execFileSync('umount', ['--lazy', path])
      rmdirSync(path)
    },
  }
}

function takeAll(file: string, chunk: Buffer): void {
  for (;;) {
    try {
      writeFileSync(file, chunk, { flag: 'a' })
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return
      throw error
    }
  }
}
