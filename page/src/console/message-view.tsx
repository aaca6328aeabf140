/** One message with everything that it carries. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { propertyTable } from '../../../src/codec/property-table.ts'
import { consoleTexts as own } from '../console-texts.ts'
import { bytes, time } from '../format.ts'
import { Choice, Facts, Section, type FactRow } from '../parts/basics.tsx'
import { subscriptions } from './console-session.ts'
import type { ConsoleMessage } from './message-list.ts'
import { excerpt, shown, SHOWN_BYTES, usualView, type PayloadView } from './payload.ts'
import { draftAnswer } from './publish.tsx'

export function MessageView({ message }: { readonly message: ConsoleMessage }): JSX.Element {
  const { number, topicName, properties } = message
  return (
    <Section title={own.message(number)}>
      <p class="wrapped">
        <code>{topicName}</code>
      </p>
      <Payload key={number} payload={message.payload} />
      <Facts rows={factsOf(message)} />
      {properties.responseTopic !== undefined && (
        <button type="button" onClick={() => draftAnswer(properties)}>
          {own.toResponse}
        </button>
      )}
    </Section>
  )
}

function Payload({ payload }: { readonly payload: Uint8Array }): JSX.Element {
  const [view, setView] = useState<PayloadView>(() => usualView(payload))
  if (payload.length === 0) return <p class="quiet">{own.empty}</p>
  const text = shown(payload, view)
  return (
    <>
      <div class="filters">
        <Choice label={own.view} value={view} values={own.views} onChange={setView} />
        <p class="found">
          {payload.length > SHOWN_BYTES ? own.cut(SHOWN_BYTES, payload.length) : bytes(payload.length)}
        </p>
      </div>
      {text === undefined ? (
        <p class="quiet">{own.notSo[view]}</p>
      ) : (
        <pre class="json" tabIndex={0} aria-label={own.payload}>
          {text}
        </pre>
      )}
    </>
  )
}

function factsOf({ atMs, qos, retain, dup, properties }: ConsoleMessage): FactRow[] {
  const { subscriptionIdentifiers, userProperties, ...others } = properties
  const named = propertyTable.flatMap(({ key, name }): FactRow[] => {
    const value = (others as Readonly<Record<string, unknown>>)[key]
    return value === undefined ? [] : [[name, textOf(value as string | number | Uint8Array)]]
  })
  const filters = (subscriptionIdentifiers ?? []).map(
    (id) => subscriptions.value.find((each) => each.subscriptionIdentifier === id)?.topicFilter ?? String(id),
  )
  return [
    [own.received, time(atMs)],
    [own.qos, qos],
    [own.retainFlag, own.retainFlags[retain ? 'yes' : 'no']],
    ...(dup ? [[own.duplicate, '1'] as const] : []),
    ...(filters.length > 0 ? [[own.subscription, <code>{filters.join(', ')}</code>] as const] : []),
    ...named,
    ...(userProperties ?? []).map(([name, value]): FactRow => [`${own.userProperty} ${name}`, value]),
  ]
}

function textOf(value: string | number | Uint8Array): string {
  return value instanceof Uint8Array ? excerpt(value) : String(value)
}
