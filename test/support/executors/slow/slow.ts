// Takes a quarter of a second, as a job that waits for something outside does.
import { setTimeout as delay } from 'node:timers/promises'
import { defineExecutor } from 'jobtable'

export default defineExecutor({
  type: 'slow',
  execute: async () => {
    await delay(250)
  },
})
