import { setTimeout as delay } from 'node:timers/promises'
import { defineExecutor } from 'jobtable'

export default defineExecutor({
  type: 'stray',
  description: 'Throws where nobody catches it, or rejects where nobody waits, and returns later.',
  async execute({ payload }) {
    if (payload['reject'] === true) void Promise.reject(new Error('stray rejection'))
    else {
      setImmediate(() => {
        throw new Error('stray error')
      })
    }
    await delay(100)
  },
})
