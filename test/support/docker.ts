import { request } from 'node:http'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** A local engine answers in a few milliseconds; a dead socket should not hold up a run. */
const PING_TIMEOUT_MS = 300

/**
 * The address at which a container engine answers, undefined if none does. The `docker` command being
 * there says nothing: it is often installed without an engine.
 */
export async function findDocker(): Promise<string | undefined> {
  for (const address of candidates()) if (await answers(address)) return address
  return undefined
}

function candidates(): string[] {
  const named = process.env['DOCKER_HOST']
  if (named) return [named]
  const runtimeDir = process.env['XDG_RUNTIME_DIR']
  const sockets = [
    '/var/run/docker.sock',
    ...(runtimeDir ? [join(runtimeDir, 'docker.sock')] : []),
    join(homedir(), '.docker', 'run', 'docker.sock'),
    join(homedir(), '.docker', 'desktop', 'docker.sock'),
  ]
  return sockets.map((path) => `unix://${path}`)
}

async function answers(address: string): Promise<boolean> {
  const url = URL.parse(address)
  if (url === null) return false
  const target =
    url.protocol === 'unix:'
      ? { socketPath: url.pathname }
      : { host: url.hostname, port: Number(url.port) || 2375 }
  return await new Promise((resolve) => {
    const ping = request({ ...target, path: '/_ping', timeout: PING_TIMEOUT_MS }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    ping.once('timeout', () => ping.destroy())
    ping.once('error', () => resolve(false))
    ping.once('close', () => resolve(false))
    ping.end()
  })
}
