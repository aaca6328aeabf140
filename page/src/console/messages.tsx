/** The messages that have come, the newest first. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { consoleTexts as own } from '../console-texts.ts'
import { bytes } from '../format.ts'
import { Badge, Choice, Field, Section } from '../parts/basics.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { clear, isPaused, limit, LIMITS, messages, pause, received, setLimit, unseen } from './console-session.ts'
import type { ConsoleMessage } from './message-list.ts'
import { MessageView } from './message-view.tsx'
import { excerpt, textOf } from './payload.ts'

const KEPT = Object.fromEntries(LIMITS.map((most) => [String(most), own.limits(most)]))

export function Messages(): JSX.Element {
  const [search, setSearch] = useState('')
  const [chosen, setChosen] = useState<ConsoleMessage>()
  const part = search.toLowerCase()
  const rows = part === '' ? messages.value : messages.value.filter((message) => has(message, part))
  return (
    <>
      <Section title={own.messages} note={<Count shown={rows.length} />}>
        <div class="filters">
          <Field label={own.search} type="search" value={search} onInput={setSearch} />
          <Choice
            label={own.limit}
            value={String(limit.value)}
            values={KEPT}
            onChange={(value) => setLimit(Number(value))}
          />
          <button type="button" aria-pressed={isPaused.value} onClick={() => pause(!isPaused.value)}>
            {isPaused.value ? own.resume : own.pause}
          </button>
          <button
            type="button"
            onClick={() => {
              clear()
              setChosen(undefined)
            }}
          >
            {own.clear}
          </button>
        </div>
        <Table
          label={own.messages}
          height={14}
          rows={rows}
          empty={<p>{messages.value.length === 0 ? own.noMessages : own.nothingFound}</p>}
          columns={columns(chosen, setChosen)}
        />
      </Section>
      {chosen && <MessageView message={chosen} />}
    </>
  )
}

function Count({ shown }: { readonly shown: number }): JSX.Element {
  return <>{unseen.value > 0 ? own.paused(unseen.value) : own.found(shown, received.value)}</>
}

function has({ topicName, payload }: ConsoleMessage, part: string): boolean {
  return topicName.toLowerCase().includes(part) || (textOf(payload)?.toLowerCase().includes(part) ?? false)
}

function columns(
  chosen: ConsoleMessage | undefined,
  choose: (message: ConsoleMessage) => void,
): readonly Column<ConsoleMessage>[] {
  return [
    { title: own.columns.at, width: '5.5rem', cell: ({ atMs }) => clock(atMs), needs: 'medium' },
    {
      title: own.columns.topic,
      width: '1.6fr',
      cell: (message) => (
        <button
          type="button"
          class="line"
          aria-expanded={chosen?.number === message.number}
          onClick={() => choose(message)}
        >
          {message.topicName}
        </button>
      ),
    },
    { title: own.columns.qos, width: '3rem', isNumber: true, cell: ({ qos }) => qos },
    {
      title: own.columns.payload,
      width: '1.8fr',
      cell: (message) => (
        <>
          <Flags message={message} /> <code>{excerpt(message.payload)}</code>
        </>
      ),
    },
    {
      title: own.columns.size,
      width: '5rem',
      isNumber: true,
      cell: ({ payload }) => bytes(payload.length),
      needs: 'wide',
    },
  ]
}

function Flags({ message: { retain, dup } }: { readonly message: ConsoleMessage }): JSX.Element {
  return (
    <>
      {retain && <Badge kind="good">{own.retained}</Badge>} {dup && <Badge kind="quiet">{own.duplicate}</Badge>}
    </>
  )
}

function clock(atMs: number): string {
  return new Date(atMs).toLocaleTimeString('en-GB')
}
