import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Answer, Task } from './worker.ts'

const script = join(import.meta.dirname, 'worker.ts')

/** A process that runs simulations; one task at a time. */
export class WorkerProcess {
  readonly #child: ChildProcess
  #pending: { resolve: (value: never) => void; reject: (error: Error) => void } | undefined

  constructor() {
    this.#child = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child.on('message', (answer: Answer) => {
      const pending = this.#pending
      this.#pending = undefined
      if (answer.ok) pending?.resolve(answer.value as never)
      else pending?.reject(new Error(answer.message))
    })
    this.#child.on('exit', (code, signal) => {
      this.#pending?.reject(new Error(`a worker of the simulation ended (${code ?? signal})`))
      this.#pending = undefined
    })
  }

  do<Value>(task: Task): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject }
      this.#child.send(task)
    })
  }

  end(): void {
    this.#child.kill()
  }
}

/** Does the tasks on so many workers at once; stops handing them out once `isEnough` says so. */
export async function onWorkers<Value>(
  workers: number,
  tasks: Iterable<Task>,
  onResult: (value: Value) => void,
  isEnough: () => boolean = () => false,
): Promise<void> {
  const queue = tasks[Symbol.iterator]()
  await Promise.all(
    Array.from({ length: workers }, async () => {
      const worker = new WorkerProcess()
      try {
        for (let next = queue.next(); !next.done && !isEnough(); next = queue.next()) {
          onResult(await worker.do<Value>(next.value))
        }
      } finally {
        worker.end()
      }
    }),
  )
}
