import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'

/** What the figures were measured on. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly kernel: string
  /** File system and kind of disk of the data directory. */
  readonly disk: string
}

export function describeMachine(dataDir: string | undefined): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    kernel: `${platform()} ${release()} ${arch()}`,
    disk: dataDir === undefined ? 'unknown: the server was given' : describeDisk(dataDir),
  }
}

function describeDisk(path: string): string {
  const { stdout } = spawnSync('df', ['--output=fstype,source', path], { encoding: 'utf8' })
  const [fileSystem, source] = stdout?.trim().split('\n')[1]?.split(/\s+/) ?? []
  if (fileSystem === undefined || source === undefined) return 'unknown'
  return `${fileSystem} on ${kindOf(source)}`
}

/** A partition has no queue of its own; its disk's name is its own without the number. */
function kindOf(source: string): string {
  const device = source.replace(/^\/dev\//, '')
  for (const name of [device, device.replace(/p?\d+$/, '')]) {
    try {
      const rotational = readFileSync(`/sys/block/${name}/queue/rotational`, 'utf8').trim()
      // A virtual disk does not know what it is kept on.
      if (name.startsWith('vd')) return 'a virtual disk (virtio)'
      return rotational === '1' ? 'a rotating disk' : 'a solid-state disk'
    } catch {
      // Not a disk of this name.
    }
  }
  return source
}
