/** Connections that have ended, as a table: of one client, or of all. @module */
import type { JSX } from 'preact'
import type { ClosedConnectionView } from '../../../src/broker/sessions/closed-connections.ts'
import { duration, reasonCode, time } from '../format.ts'
import { linkTo } from '../state/route.ts'
import { texts } from '../texts.ts'
import { Table, type Column } from './table.tsx'

const titles = texts.client.closedColumns

interface ClosedTableProps {
  readonly label: string
  readonly rows: readonly ClosedConnectionView[] | undefined
  readonly isOfOneClient?: boolean
}

export function ClosedTable({ label, rows, isOfOneClient = false }: ClosedTableProps): JSX.Element {
  const at: Column<ClosedConnectionView> = {
    title: titles.at,
    width: '12rem',
    cell: ({ closedAtMs }) => time(closedAtMs),
    value: ({ closedAtMs }) => closedAtMs,
  }
  const start: Column<ClosedConnectionView>[] = isOfOneClient
    ? [at, cause, code]
    : [{ ...at, needs: 'medium' }, client, cause]
  return (
    <Table
      label={label}
      rows={rows}
      empty={<p>{isOfOneClient ? texts.empty.closed : texts.empty.anyClosed}</p>}
      columns={[...start, detail, lasted]}
    />
  )
}

const client: Column<ClosedConnectionView> = {
  title: texts.clients.columns.client,
  value: ({ clientId }) => clientId,
  cell: ({ clientId }) => <a href={linkTo('clients', clientId)}>{clientId}</a>,
}

const cause: Column<ClosedConnectionView> = {
  title: titles.cause,
  cell: (row) => row.cause,
  value: (row) => row.cause,
}

const code: Column<ClosedConnectionView> = {
  title: titles.code,
  width: '5rem',
  cell: (row) => reasonCode(row.reasonCode),
  needs: 'medium',
}

const detail: Column<ClosedConnectionView> = {
  title: titles.detail,
  width: '2fr',
  cell: (row) => row.detail,
  needs: 'wide',
}

const lasted: Column<ClosedConnectionView> = {
  title: titles.lasted,
  width: '7rem',
  isNumber: true,
  needs: 'medium',
  cell: ({ connectedAtMs, closedAtMs }) => duration((closedAtMs - connectedAtMs) / 1000),
}
