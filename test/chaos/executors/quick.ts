import { defineExecutor } from 'jobtable'

export default defineExecutor({
  type: 'chaos_quick',
  maxAttempts: 5,
  description: 'Does nothing, at once.',
  execute: () => undefined,
})
