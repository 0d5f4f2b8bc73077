/**
 * A process of one of the functions against real stores, killed with SIGKILL at its n-th effect. Reads its task
 * as JSON from the first argument; prints the number of effects if it lives to the end.
 */
import { type CrashTask, realProduct } from './real-product.ts'

const task = JSON.parse(process.argv[2]!) as CrashTask
const product = await realProduct(task.stores, task.product, {
  at: task.at,
  fault: task.fault,
  die: () => process.kill(process.pid, 'SIGKILL'),
})
switch (task.run.function) {
  case 'archive-events':
    await product.archive().take(task.run.shard, task.run.records.map(product.recordOf))
    break
  case 'commit-snapshots':
    await product.commit()
    break
  case 'update-windows':
    await product.update()
    break
}
process.stdout.write(String(product.process.log.length))
