/**
 * How long views and `/metrics` take at a broker with very many clients and a steady load.
 *
 *   node build/bench/views.js [CLIENTS [MESSAGES-PER-SECOND]]      default 100000 and 20000
 *
 * Each is asked several times; the table has the median and the longest time until the first page is there, which
 * includes the turns that belong to messages. The goal is 50 ms for a first page, and 5 ms of the broker's time for
 * `/metrics`.
 *
 * @module
 */
import { median } from '../src/bench/statistics.ts'
import { textTable } from '../src/bench/table.ts'
import { prometheusText, type Broker } from '../src/index.ts'
import { firstPages } from '../test/support/admin-views.ts'
import { Crowd } from '../test/support/crowd.ts'

const ROUNDS = 15
const SOCKETS = 15_000

const rows: Readonly<Record<string, (broker: Broker) => unknown>> = {
  '/metrics': (broker) => prometheusText(broker.figures()),
  'clients, a thousand': ({ admin }) => admin.clients({ limit: 1000 }),
  ...firstPages,
}

const [clients = 100_000, perSecond = 20_000] = process.argv.slice(2).map(Number)
await using crowd = await Crowd.gather({ clients, sockets: SOCKETS })
const { broker } = crowd
await broker.admin.overview() // loads what answers
crowd.beginLoad(perSecond)
const table: string[][] = []
for (const [name, ask] of Object.entries(rows)) {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    // Between rounds the load goes on.
    await new Promise<void>((resolve) => setTimeout(resolve, 20))
    const begin = performance.now()
    await ask(broker)
    times.push(performance.now() - begin)
  }
  table.push([name, median(times).toFixed(1), Math.max(...times).toFixed(1)])
}
console.log(
  `${clients} clients, ${perSecond} messages a second; longest turn ${broker.metrics.longestTurnMs.toFixed(1)} ms`,
)
const columns = ['view', 'median ms', 'longest ms'].map(
  (title, at) => ({ title, align: at === 0 ? 'left' : 'right' }) as const,
)
console.log(textTable(columns, table))
