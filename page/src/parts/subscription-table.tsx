/** Subscriptions in a table, each of which can be ended. @module */
import type { JSX } from 'preact'
import type { SubscriptionView } from '../../../src/broker/host/admin.ts'
import { call } from '../api/client.ts'
import { may } from '../api/logins.ts'
import { linkTo } from '../state/route.ts'
import { texts } from '../texts.ts'
import { ask } from './dialog.tsx'
import { Table, type Column } from './table.tsx'

const own = texts.subscriptions

interface SubscriptionTableProps {
  readonly rows: readonly SubscriptionView[] | undefined
  readonly reload: () => void
  readonly isOfOneClient?: boolean
}

export function SubscriptionTable({ rows, reload, isOfOneClient = false }: SubscriptionTableProps): JSX.Element {
  const client: Column<SubscriptionView> = {
    title: own.columns.client,
    value: ({ clientId }) => clientId,
    cell: ({ clientId }) => <a href={linkTo('clients', clientId)}>{clientId}</a>,
  }
  return (
    <Table
      label={texts.pages.subscriptions}
      rows={rows}
      empty={<p>{texts.empty.subscriptions}</p>}
      columns={[
        {
          title: own.columns.filter,
          width: '2fr',
          cell: ({ topicFilter }) => topicFilter,
          value: ({ topicFilter }) => topicFilter,
        },
        ...(isOfOneClient ? [] : [client]),
        { title: own.columns.qos, width: '3.5rem', isNumber: true, cell: ({ qos }) => qos, value: ({ qos }) => qos },
        { title: own.columns.flags, cell: flagsOf, needs: 'medium' },
        {
          title: own.columns.identifiers,
          width: '6rem',
          needs: 'wide',
          cell: ({ subscriptionIdentifiers }) => subscriptionIdentifiers.join(', '),
        },
        {
          title: own.columns.action,
          width: '7rem',
          cell: (row) => may('unsubscribeFor') && <Unsubscribe row={row} reload={reload} />,
        },
      ]}
    />
  )
}

function Unsubscribe({ row, reload }: { readonly row: SubscriptionView; readonly reload: () => void }): JSX.Element {
  const { clientId, topicFilter, qos, noLocal, retainAsPublished } = row
  const client = texts.client
  const run = async (): Promise<void> => {
    await call('unsubscribeFor', { clientId, topicFilters: [topicFilter] })
    reload()
  }
  // 2: what is retained has been received before.
  const again = { topicFilter, qos, noLocal, retainAsPublished, retainHandling: 2 } as const
  const confirm = (): void =>
    ask({
      title: client.unsubscribeTitle(topicFilter),
      body: client.unsubscribeBody,
      action: client.unsubscribe,
      done: client.unsubscribed,
      run,
      undo: () => call('subscribeFor', { clientId, subscriptions: [again] }).then(reload),
    })
  return (
    <button type="button" class="plain" onClick={confirm}>
      {client.unsubscribe}
    </button>
  )
}

function flagsOf({ noLocal, retainAsPublished }: SubscriptionView): string {
  return [noLocal && own.noLocal, retainAsPublished && own.retainAsPublished].filter(Boolean).join(', ')
}
