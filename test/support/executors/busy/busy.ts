// Gives its thread no turn, as a long computation does, until a file says otherwise. The payload names it.
import { existsSync } from 'node:fs'
import { defineExecutor } from 'jobtable'

const PAUSE_MS = 20

export default defineExecutor({
  type: 'busy',
  execute: ({ payload }) => {
    const pause = new Int32Array(new SharedArrayBuffer(4))
    // Other processes may compute meanwhile.
    while (!existsSync(String(payload['file']))) Atomics.wait(pause, 0, 0, PAUSE_MS)
  },
})
