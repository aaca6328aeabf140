/** Who is connected, and whose session waits. @module */
import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { ago, bytes, count, expiry, protocol } from '../format.ts'
import { Choice, Field, PageFrame } from '../parts/basics.tsx'
import { FirstSteps } from '../parts/first-steps.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { MOST_CLIENTS, useClients, useSessionsAway, type ClientRow, type SessionRow } from '../state/all-clients.ts'
import { goTo, linkTo, routeQuery } from '../state/route.ts'
import { texts } from '../texts.ts'

const own = texts.clients
const titles = own.columns

const numbers = <Row,>(
  title: string,
  value: (row: Row) => number,
  needs?: 'medium' | 'wide',
  write = count,
): Column<Row> => ({
  title,
  isNumber: true,
  width: '5.5rem',
  value,
  cell: (row) => write(value(row)),
  ...(needs !== undefined && { needs }),
})

const clientColumns: readonly Column<ClientRow>[] = [
  {
    title: titles.client,
    width: '2fr',
    value: ({ clientId }) => clientId,
    cell: ({ clientId }) => <ClientLink clientId={clientId} />,
  },
  { title: titles.user, cell: ({ userName }) => userName ?? '–', value: ({ userName }) => userName, needs: 'medium' },
  {
    title: titles.address,
    width: '8rem',
    cell: ({ address }) => address,
    value: ({ address }) => address,
    needs: 'medium',
  },
  { title: titles.listener, cell: ({ listener }) => listener, value: ({ listener }) => listener, needs: 'wide' },
  {
    title: titles.version,
    width: '4rem',
    needs: 'wide',
    value: ({ protocolVersion }) => protocolVersion,
    cell: ({ protocolVersion }) => protocol(protocolVersion),
  },
  {
    title: titles.since,
    width: '9.5rem',
    value: ({ connectedAtMs }) => connectedAtMs,
    cell: ({ connectedAtMs }) => ago(connectedAtMs),
  },
  numbers(titles.subscriptions, ({ subscriptions }) => subscriptions, 'wide'),
  numbers(titles.queued, ({ queuedMessages }) => queuedMessages),
  numbers(titles.inflight, ({ inflightMessages }) => inflightMessages, 'wide'),
  numbers(titles.received, ({ messagesReceived }) => messagesReceived, 'medium'),
  numbers(titles.sent, ({ messagesSent }) => messagesSent, 'medium'),
]

const sessionColumns: readonly Column<SessionRow>[] = [
  {
    title: titles.client,
    width: '2fr',
    value: ({ clientId }) => clientId,
    cell: ({ clientId }) => <ClientLink clientId={clientId} />,
  },
  { title: titles.user, cell: ({ userName }) => userName ?? '–', value: ({ userName }) => userName, needs: 'medium' },
  {
    title: titles.expiry,
    width: '10rem',
    value: ({ sessionExpiryInterval }) => sessionExpiryInterval,
    cell: ({ sessionExpiryInterval }) => expiry(sessionExpiryInterval),
  },
  numbers(titles.queued, ({ queuedMessages }) => queuedMessages),
  numbers(texts.client.facts.memory, ({ memoryBytes }) => memoryBytes, 'medium', bytes),
]

export function Clients(): JSX.Element {
  const shown = routeQuery.value.get('show') === 'away' ? 'away' : 'connected'
  return shown === 'away' ? <Away /> : <Connected />
}

function Connected(): JSX.Element {
  const [known, setKnown] = useState(0)
  const { value, problem, reload } = useClients(known)
  if (value !== undefined && value.length !== known) setKnown(value.length)
  const [search, setSearch] = useState('')
  const [version, setVersion] = useState<keyof typeof own.versions>('all')
  const [listener, setListener] = useState('')
  const listeners = useMemo(() => [...new Set(value?.map((row) => row.listener))].toSorted(), [value])
  const rows = useMemo(() => value?.filter(wanted(search, version, listener)), [value, search, version, listener])
  return (
    <PageFrame title={texts.pages.clients} problem={problem} actions={<Refresh reload={reload} />}>
      <div class="filters">
        <ShownChoice shown="connected" />
        <Field label={own.search} type="search" value={search} onInput={setSearch} placeholder={own.searchHint} />
        <Choice label={own.version} value={version} values={own.versions} onChange={setVersion} />
        <Choice
          label={own.listener}
          value={listener}
          values={{ '': own.allListeners, ...Object.fromEntries(listeners.map((name) => [name, name])) }}
          onChange={setListener}
        />
        <Found found={rows?.length} all={value?.length} />
      </div>
      <Table
        label={texts.pages.clients}
        columns={clientColumns}
        ordered={0}
        rows={rows}
        height={20}
        empty={value?.length === 0 ? <FirstSteps /> : <p>{texts.empty.matching}</p>}
      />
    </PageFrame>
  )
}

function Away(): JSX.Element {
  const [known, setKnown] = useState(0)
  const { value, problem, reload } = useSessionsAway(known)
  if (value !== undefined && value.length !== known) setKnown(value.length)
  const [search, setSearch] = useState('')
  const rows = useMemo(() => {
    const part = search.toLowerCase()
    return value?.filter(({ clientId, userName }) => includes(part, clientId, userName))
  }, [value, search])
  return (
    <PageFrame title={texts.pages.clients} problem={problem} actions={<Refresh reload={reload} />}>
      <div class="filters">
        <ShownChoice shown="away" />
        <Field label={own.search} type="search" value={search} onInput={setSearch} placeholder={own.searchHint} />
        <Found found={rows?.length} all={value?.length} />
      </div>
      <Table
        label={own.shown.away}
        columns={sessionColumns}
        ordered={0}
        rows={rows}
        height={20}
        empty={<p>{texts.empty.matching}</p>}
      />
    </PageFrame>
  )
}

function ClientLink({ clientId }: { readonly clientId: string }): JSX.Element {
  return <a href={linkTo('clients', clientId)}>{clientId}</a>
}

function ShownChoice({ shown }: { readonly shown: keyof typeof own.shown }): JSX.Element {
  const change = (value: string): void => goTo(`${linkTo('clients')}${value === 'away' ? '?show=away' : ''}`)
  return <Choice label={own.show} value={shown} values={own.shown} onChange={change} />
}

function Refresh({ reload }: { readonly reload: () => void }): JSX.Element {
  return (
    <button type="button" onClick={reload}>
      {texts.refresh}
    </button>
  )
}

function Found({ found, all }: { readonly found: number | undefined; readonly all: number | undefined }): JSX.Element {
  return (
    <p class="found" role="status">
      {found !== undefined && all !== undefined && own.found(found, all)}{' '}
      {all !== undefined && all >= MOST_CLIENTS && own.partial(MOST_CLIENTS)}
    </p>
  )
}

function wanted(search: string, version: string, listener: string): (row: ClientRow) => boolean {
  const part = search.toLowerCase()
  return (row) =>
    (listener === '' || row.listener === listener) &&
    (version === 'all' || String(row.protocolVersion) === version) &&
    includes(part, row.clientId, row.userName, row.address)
}

function includes(part: string, ...values: readonly (string | undefined)[]): boolean {
  return part === '' || values.some((value) => value?.toLowerCase().includes(part) === true)
}
