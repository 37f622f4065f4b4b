// Run as a process of its own: starts an embedded server with the options given as JSON, prints what it
// got as one line of JSON, and holds it until its standard input ends. With LAUNCHER_UID it first becomes
// that user: here, not at its start, since the user may be unable to reach Node and this file.
import { once } from 'node:events'
import { type EmbeddedOptions, startEmbedded } from '../../src/embedded.ts'

const uid = process.env['LAUNCHER_UID']
if (uid !== undefined) {
  process.setgroups?.([])
  process.setgid?.(Number(uid))
  process.setuid?.(Number(uid))
}

try {
  const options = JSON.parse(process.argv[2] ?? '{}') as EmbeddedOptions
  const lines: string[] = []
  const server = await startEmbedded({ ...options, onLog: (line) => lines.push(line) })
  const { url, adminUrl, pid, attached } = server
  process.stdout.write(`${JSON.stringify({ url, adminUrl, pid, attached, lines })}\n`)
  await once(process.stdin.resume(), 'end')
  await server.stop()
} catch (error) {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  process.stdout.write(`${JSON.stringify({ code, message: String(error) })}\n`)
  process.exitCode = 1
}
