/** Where clients connect, which certificates they are shown, and who has left last. @module */
import type { JSX } from 'preact'
import { count, time } from '../format.ts'
import { Badge, PageFrame, Section } from '../parts/basics.tsx'
import { ClosedTable } from '../parts/closed-table.tsx'
import { Table } from '../parts/table.tsx'
import { useView } from '../state/view.ts'
import { texts } from '../texts.ts'

const own = texts.listeners
const WARNING_DAYS = 30

export function Listeners(): JSX.Element {
  const { value, problem } = useView('listeners', {})
  return (
    <PageFrame title={texts.pages.listeners} problem={problem}>
      <Table
        label={own.listeners}
        rows={value}
        empty={<p>{texts.empty.listeners}</p>}
        columns={[
          { title: own.columns.name, cell: ({ name }) => name, value: ({ name }) => name },
          {
            title: own.columns.url,
            width: '2fr',
            cell: ({ urls }) => (urls.length === 0 ? own.waiting : urls.join(', ')),
          },
          {
            title: own.columns.connections,
            isNumber: true,
            width: '6rem',
            value: (row) => row.connections,
            cell: ({ connections }) => count(connections),
          },
          {
            title: own.columns.failed,
            isNumber: true,
            width: '9rem',
            needs: 'medium',
            cell: ({ counters }) => count(counters.failedHandshakes),
          },
          {
            title: own.columns.refused,
            isNumber: true,
            width: '6rem',
            needs: 'medium',
            cell: ({ counters }) =>
              count(counters.refusedUpgrades + counters.refusedProxyHeaders + counters.refusedWaiting),
          },
        ]}
      />
      <Certificates />
      <Closed />
    </PageFrame>
  )
}

function Certificates(): JSX.Element {
  const { value } = useView('certificates', {}, 60_000)
  const titles = own.certificateColumns
  return (
    <Section title={own.certificates}>
      <Table
        label={own.certificates}
        rows={value}
        empty={<p>{texts.empty.certificates}</p>}
        columns={[
          { title: titles.listener, cell: ({ listener }) => listener },
          { title: titles.subject, width: '2fr', cell: ({ subject }) => subject },
          {
            title: titles.left,
            isNumber: true,
            width: '6rem',
            cell: ({ daysLeft }) => <Badge kind={daysLeft < WARNING_DAYS ? 'bad' : 'good'}>{count(daysLeft)}</Badge>,
          },
          { title: titles.until, width: '12rem', needs: 'medium', cell: ({ validToMs }) => time(validToMs) },
          { title: titles.file, width: '2fr', needs: 'wide', cell: ({ certfile }) => certfile },
        ]}
      />
    </Section>
  )
}

function Closed(): JSX.Element {
  const { value } = useView('closedConnections', { limit: 200 })
  return (
    <Section title={own.closed}>
      <ClosedTable label={own.closed} rows={value?.items} />
    </Section>
  )
}
