/** The page of events, from `src/reporting/event-table.ts`. @module */
import { endCauseTable, eventTable, sessionEndTable } from '../src/reporting/event-table.ts'
import { tableRows } from './markdown-table.ts'

export function eventsPage(): string {
  const events = Object.entries(eventTable).map(([name, { description, fields }]) => {
    const told = Object.entries(fields).map(([field, meaning]) => [`\`${field}\``, meaning])
    const table = told.length === 0 ? '' : `\n| Field | Meaning |\n| --- | --- |\n${tableRows(told)}\n`
    return `### \`${name}\`\n\n${description}\n${table}`
  })
  const causes = (table: Readonly<Record<string, string>>): string =>
    tableRows(Object.entries(table).map(([cause, description]) => [`\`${cause}\``, description]))
  return `# Events

<!-- Made from src/reporting/event-table.ts by tools/reference.ts: change it there. -->

\`broker.on(name, listener)\` calls the listener with every event of that name, \`once\` with the next one only, and \`off\` removes
it; \`addListener\` and \`removeListener\` are the same as \`on\` and \`off\`. An unknown name throws. A listener that throws is logged
and changes nothing. \`published\`, \`delivered\`, \`dropped\`, \`packetReceived\` and \`packetSent\` are emitted for every message
and cost nothing without a listener. A plugin has the same methods in \`context.events\`.

\`once\` and \`on\` of \`node:events\` work with a broker: they yield an array with the event, and reject if \`error\` is emitted.

\`\`\`ts
import { type EventEmitter, once } from 'node:events'
import { createBroker } from 'sluice'

const broker = await createBroker({ listeners: {} })
const closed = once(broker as unknown as EventEmitter, 'closed')
await broker.close()
const [event] = await closed
console.log(event) // { unstoredChanges: 0 }
\`\`\`

## The events

${events.join('\n')}
## Why a connection ended

| Cause | What happened |
| --- | --- |
${causes(endCauseTable)}

## Why a session ended

| Cause | What happened |
| --- | --- |
${causes(sessionEndTable)}
`
}
