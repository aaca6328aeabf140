/** The page of figures, from `src/reporting/figure-table.ts`. @module */
import { SYS_TOPIC_PREFIX, type FigureRow } from '../src/reporting/figure.ts'
import { figureTable } from '../src/reporting/figure-table.ts'
import { tableRows } from './markdown-table.ts'

function figureRows(figures: readonly FigureRow[]): string {
  return tableRows(
    figures.map(({ name, unit, description, prometheus, labels, topics }) => {
      const label = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
      const series = prometheus === undefined ? '' : `\`${prometheus}${label.length > 0 ? `{${label.join()}}` : ''}\``
      const named = (naming: 'sluice' | 'mosquitto'): string =>
        topics.flatMap((of) => (of.naming === naming ? [`\`${of.topic}\``] : [])).join(', ')
      return [`\`${name}\``, unit, series, named('sluice'), named('mosquitto'), description]
    }),
  )
}

export function metricsPage(): string {
  const isDrop = ({ name }: FigureRow): boolean => name.startsWith('dropped.')
  const isAverage = ({ name }: FigureRow): boolean => name.startsWith('load.')
  const isStored = ({ name }: FigureRow): boolean => name.startsWith('store.')
  const others = figureTable.filter((row) => !isDrop(row) && !isAverage(row) && !isStored(row))
  const table = (
    figures: readonly FigureRow[],
  ): string => `| Figure | Unit | Prometheus | Topic | Mosquitto's topic | Meaning |
| --- | --- | --- | --- | --- | --- |
${figureRows(figures)}`
  return `# Metrics

<!-- Made from src/reporting/figure-table.ts by tools/reference.ts: change it there. -->

\`broker.figures()\` returns every figure with its value, \`broker.figure(name)\` returns one:

\`\`\`ts
import { createBroker } from 'sluice'

await using broker = await createBroker({ listeners: {} })
await broker.publish('lamp', 'on', { retain: true })
console.log(broker.figure('retainedMessages')?.value)
for (const figure of broker.figures()) if (figure.kind === 'histogram') console.log(figure.name, figure.value.count)
\`\`\`

Counters and histograms start at 0 when the broker starts and only grow; gauges rise and fall. \`broker.metrics\` has the counters as
live fields: \`broker.metrics.takeovers\` is the value of \`takeovers\`, \`broker.metrics.dropped['queue full']\` that of
\`dropped.queue full\`. Figures have a name for Prometheus, where times are in seconds, unless Prometheus can
compute them from others. Their name for [OpenTelemetry](../operating/telemetry.md) is the same without \`_total\` and \`_seconds\`, with a dot
after \`sluice\`: \`sluice.messages_received\`.

The topics are below \`${SYS_TOPIC_PREFIX}\`: retained messages that the broker publishes every \`sys-interval\` seconds if their value has
changed. Many figures are also published under Mosquitto's topic, with its unit and meaning, so that exporters and dashboards
made for Mosquitto work. \`${SYS_TOPIC_PREFIX}version\` and \`${SYS_TOPIC_PREFIX}time\` are the version and the time of day.

## Counters

${table(others.filter(({ kind }) => kind === 'counter'))}

## Gauges

${table(others.filter(({ kind }) => kind === 'gauge'))}

## Histograms

The value has \`count\`, \`sum\`, \`largest\` and \`buckets\`, each with \`upTo\` and its own \`count\`. The topics ending in \`p50\` and \`p99\` are
the median and the 99th percentile.

${table(others.filter(({ kind }) => kind === 'histogram'))}

## Messages that did not reach a client

\`broker.metrics.dropped\` counts them by cause; the event \`dropped\` is emitted for each of them, with the same cause.

${table(figureTable.filter(isDrop))}

## Averages

Computed as Mosquitto does, each time the topics are published; 0 if \`sys-interval\` is 0.

${table(figureTable.filter(isAverage))}

## The store

These exist if the broker has a store ([durability](../durability.md)); \`broker.storeFigures\` has them without the prefix
\`store.\`. Counters:

${table(figureTable.filter((row) => isStored(row) && row.kind === 'counter'))}

Gauges:

${table(figureTable.filter((row) => isStored(row) && row.kind === 'gauge'))}
`
}
