/**
 * Clients in a network namespace of their own: POST after POST, each connection for some of them.
 * Prints what came of it.
 */
import { Agent } from 'node:http'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { askAt } from './ask-at.ts'

const [host = '', port = '', total = ''] = process.argv.slice(2)
const clients = 10
const perConnection = 15
const failures: string[] = []
let answered = 0

await Promise.all(
  Array.from({ length: clients }, async () => {
    let agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let i = 0; i < Number(total) / clients; i++) {
      if (i % perConnection === 0) {
        agent.destroy()
        agent = new Agent({ keepAlive: true, maxSockets: 1 })
      }
      await askAt(host, Number(port), agent).then(
        () => (answered += 1),
        (error: Error) => failures.push(error.message),
      )
      await sleep(100)
    }
    agent.destroy()
  }),
)
console.log(JSON.stringify({ answered, failures }))
