/** What happens in the broker, as it happens; and what operators have done. @module */
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { followEvents, type BrokerEvent } from '../api/events.ts'
import { time } from '../format.ts'
import { Badge, Choice, Field, PageFrame, Tabs } from '../parts/basics.tsx'
import { Table } from '../parts/table.tsx'
import { linkTo, route } from '../state/route.ts'
import { useView } from '../state/view.ts'
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
  return route.value[1] === 'actions' ? <Actions /> : <Events />
}

function LogTabs({ current }: { readonly current: keyof typeof own.tabs }): JSX.Element {
  return (
    <Tabs
      label={own.parts}
      current={current}
      tabs={own.tabs}
      linkOf={(name) => (name === 'events' ? linkTo('log') : linkTo('log', name))}
    />
  )
}

function Actions(): JSX.Element {
  const { value, problem } = useView('auditLog', { limit: MOST })
  const titles = own.actionColumns
  return (
    <PageFrame title={texts.pages.log} problem={problem}>
      <LogTabs current="actions" />
      <Table
        label={own.tabs.actions}
        height={20}
        rows={problem === undefined ? value : []}
        empty={<p>{texts.empty.actions}</p>}
        columns={[
          { title: titles.time, width: '11rem', cell: (line) => time(Date.parse(line.time)) },
          { title: titles.who, cell: ({ who }) => who, value: ({ who }) => who },
          { title: titles.from, cell: ({ from }) => from || own.socket, needs: 'wide' },
          { title: titles.what, width: '9rem', cell: ({ what }) => what, value: ({ what }) => what },
          {
            title: titles.status,
            width: '5rem',
            cell: ({ status }) => <Badge kind={status < 400 ? 'good' : 'bad'}>{status}</Badge>,
            needs: 'medium',
          },
          {
            title: titles.parameters,
            width: '2fr',
            needs: 'medium',
            cell: ({ parameters }) => parameters && <code>{JSON.stringify(parameters)}</code>,
          },
        ]}
      />
    </PageFrame>
  )
}

function Events(): JSX.Element {
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
      <LogTabs current="events" />
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
