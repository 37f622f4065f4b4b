import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { defineExecutor } from 'jobtable'
import { z } from 'zod'

/** A program that ends by itself only when the tests are long over. */
function startProgram(): number | undefined {
  return spawn('sleep', ['600'], { stdio: 'inherit' }).pid
}

/** Ways in which a process fails, or must be made to. */
const FAULTS: Readonly<Record<string, (tell: (message: string) => void) => unknown>> = {
  exit: () => {
    for (let n = 1; n <= 30; n += 1) console.error(`line ${n}`)
    process.exit(3)
  },
  segv: () => process.kill(process.pid, 'SIGSEGV'),
  grow: async () => {
    const held: Buffer[] = []
    for (;;) {
      held.push(Buffer.alloc(10 * 1024 * 1024, 1))
      await delay(20)
    }
  },
  fill: () => {
    const held: unknown[] = []
    for (;;) held.push({ n: held.length, text: [held.length] })
  },
  deaf: async (tell) => {
    tell(JSON.stringify([process.pid, startProgram()]))
    await delay(100)
    for (;;) performance.now()
  },
  chatter: async (tell) => {
    tell(JSON.stringify([process.pid, startProgram()]))
    await delay(100)
    for (;;) writeSync(1, 'on and on\n')
  },
  wait: async (tell) => {
    tell(JSON.stringify([process.pid, startProgram()]))
    await once(process, 'never')
  },
  leave: (tell) => tell(JSON.stringify([process.pid, startProgram()])),
  foreign: async () => {
    const foreign = [
      { kind: 'returned', completed: true },
      { tag: 'jobtable/1', message: { kind: 'returned', completed: 'perhaps' } },
      { tag: 'jobtable/1', message: { kind: 'facet', n: 1, name: 'told', fields: 'no JSON' } },
      'text',
    ]
    for (const message of foreign) process.send?.(message)
    await delay(50)
    return 'mine'
  },
  stray: async () => {
    setImmediate(() => {
      throw new RangeError('out of a timer')
    })
    await once(process, 'never')
  },
  print: () => {
    console.log('to stdout')
    console.error('to stderr')
  },
}

export default defineExecutor({
  type: 'faults',
  isolation: 'process',
  memoryMb: 256,
  payload: z.object({ fault: z.string() }),
  execute: async ({ payload, progress }) =>
    await FAULTS[payload.fault]?.((message) => progress({ message })),
})
