/** Who is subscribed to what, and who shares. @module */
import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { SubscriptionView } from '../../../src/broker/host/admin.ts'
import { count } from '../format.ts'
import { Choice, Field, PageFrame, Section } from '../parts/basics.tsx'
import { SubscriptionTable } from '../parts/subscription-table.tsx'
import { Table } from '../parts/table.tsx'
import { useView } from '../state/view.ts'
import { texts } from '../texts.ts'

const own = texts.subscriptions
const MOST = 1000

export function Subscriptions(): JSX.Element {
  const [clientId, setClientId] = useState('')
  const [topicFilter, setTopicFilter] = useState('')
  const [topic, setTopic] = useState('')
  const [kind, setKind] = useState<keyof typeof own.kinds>('all')
  const { value, problem, reload } = useView('subscriptions', {
    ...(clientId !== '' && { clientId }),
    ...(topicFilter !== '' && { topicFilter }),
    ...(topic !== '' && { topic }),
    ...(kind !== 'all' && { isShared: kind === 'shared' }),
    limit: MOST,
  })
  return (
    <PageFrame title={texts.pages.subscriptions} problem={problem}>
      <div class="filters">
        <Field label={own.topic} type="search" value={topic} onInput={setTopic} />
        <Field label={own.filter} type="search" value={topicFilter} onInput={setTopicFilter} />
        <Field label={own.client} type="search" value={clientId} onInput={setClientId} />
        <Choice label={own.kind} value={kind} values={own.kinds} onChange={setKind} />
        <p class="found" role="status">
          {value && count(value.items.length)} {value?.cursor !== undefined && own.more(MOST)}
        </p>
      </div>
      <SubscriptionTable rows={problem === undefined ? value?.items : []} reload={reload} />
      <Groups />
    </PageFrame>
  )
}

interface Group {
  readonly share: string
  readonly filter: string
  readonly members: number
}

function Groups(): JSX.Element {
  const { value } = useView('subscriptions', { isShared: true, limit: MOST, fields: ['clientId', 'topicFilter'] })
  const rows = useMemo(() => value && groupsOf(value.items), [value])
  return (
    <Section title={own.groups}>
      <Table
        label={own.groups}
        rows={rows}
        empty={<p>{own.noGroups}</p>}
        columns={[
          { title: own.groupColumns.share, cell: ({ share }) => share, value: ({ share }) => share },
          { title: own.groupColumns.filter, width: '2fr', cell: ({ filter }) => filter, value: ({ filter }) => filter },
          {
            title: own.groupColumns.members,
            isNumber: true,
            width: '6rem',
            value: ({ members }) => members,
            cell: ({ members }) => count(members),
          },
        ]}
      />
    </Section>
  )
}

/** `$share/ShareName/filter` (§4.8.2). */
function groupsOf(items: readonly SubscriptionView[]): readonly Group[] {
  const groups = new Map<string, Group>()
  for (const { topicFilter } of items) {
    const [, share = '', ...levels] = topicFilter.split('/')
    const members = (groups.get(topicFilter)?.members ?? 0) + 1
    groups.set(topicFilter, { share, filter: levels.join('/'), members })
  }
  return [...groups.values()]
}
