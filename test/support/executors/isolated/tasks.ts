import { tasksExecutor } from './_tasks.ts'

export default tasksExecutor('isolated', 'process')
