/** What happens in the broker, as it happens. @module */
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { followEvents, type BrokerEvent } from '../api/events.ts'
import { Choice, Field, PageFrame } from '../parts/basics.tsx'
import { Table } from '../parts/table.tsx'
import { linkTo } from '../state/route.ts'
import { texts } from '../texts.ts'

const own = texts.log
/** Older ones are forgotten. */
const MOST = 1000
/** A storm of events is shown a few times a second. */
const SHOW_MS = 250

interface Entry {
  readonly at: string
  readonly name: string
  readonly clientId: string | undefined
  readonly detail: string
}

export function Log(): JSX.Element {
  const [isPaused, setPaused] = useState(false)
  const entries = useEvents(isPaused)
  const [search, setSearch] = useState('')
  const [name, setName] = useState('')
  const names = useMemo(() => [...new Set(entries.map((entry) => entry.name))].toSorted(), [entries])
  const part = search.toLowerCase()
  const rows = entries.filter(
    (entry) =>
      (name === '' || entry.name === name) &&
      `${entry.name} ${entry.clientId} ${entry.detail}`.toLowerCase().includes(part),
  )
  return (
    <PageFrame
      title={texts.pages.log}
      actions={
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? own.resume : own.pause}
        </button>
      }
    >
      <p class="quiet">{own.note}</p>
      <div class="filters">
        <Field label={own.search} type="search" value={search} onInput={setSearch} />
        <Choice
          label={own.names}
          value={name}
          values={{ '': own.allNames, ...Object.fromEntries(names.map((one) => [one, one])) }}
          onChange={setName}
        />
      </div>
      <Table
        label={texts.pages.log}
        height={20}
        rows={rows}
        empty={<p>{texts.empty.events}</p>}
        columns={[
          { title: own.columns.at, width: '6rem', cell: ({ at }) => at },
          { title: own.columns.name, width: '11rem', cell: (entry) => entry.name },
          {
            title: own.columns.client,
            needs: 'medium',
            cell: ({ clientId }) => clientId && <a href={linkTo('clients', clientId)}>{clientId}</a>,
          },
          { title: own.columns.detail, width: '2fr', cell: ({ detail }) => detail },
        ]}
      />
    </PageFrame>
  )
}

function useEvents(isPaused: boolean): readonly Entry[] {
  const [shown, setShown] = useState<readonly Entry[]>([])
  const gathered = useRef<Entry[]>([])
  const paused = useRef(isPaused)
  paused.current = isPaused
  useEffect(() => {
    const abort = new AbortController()
    void followEvents('', abort.signal, (event) => {
      gathered.current = [entryOf(event), ...gathered.current].slice(0, MOST)
    })
    const timer = setInterval(() => {
      if (!paused.current) setShown(gathered.current)
    }, SHOW_MS)
    return () => {
      abort.abort()
      clearInterval(timer)
    }
  }, [])
  return shown
}

function entryOf({ name, value }: BrokerEvent): Entry {
  const { client, ...facts } = value as { readonly client?: { readonly clientId?: string } }
  const detail = Object.entries(facts)
    .filter(([, fact]) => fact !== undefined && fact !== null)
    .map(([key, fact]) => `${key}: ${typeof fact === 'string' ? fact : JSON.stringify(fact)}`)
    .join(', ')
  return { at: new Date().toLocaleTimeString('en-GB'), name, clientId: client?.clientId, detail }
}
