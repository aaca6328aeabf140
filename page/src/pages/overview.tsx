/** Whether all is well, in five seconds; then the figures. @module */
import type { JSX } from 'preact'
import type { OverviewView } from '../../../src/broker/host/admin.ts'
import { bytes, count, duration, milliseconds } from '../format.ts'
import { Badge, PageFrame, Section, Tiles } from '../parts/basics.tsx'
import { FirstSteps } from '../parts/first-steps.tsx'
import { Table } from '../parts/table.tsx'
import { linkTo } from '../state/route.ts'
import { useLive, type Live } from '../state/live.ts'
import { useView } from '../state/view.ts'
import { texts } from '../texts.ts'
import { Hints } from './hints.tsx'
import { Plots } from './plots.tsx'

const own = texts.overview

export function Overview(): JSX.Element {
  const live = useLive()
  const checks = useView('healthChecks', {})
  const { overview } = live
  return (
    <PageFrame title={texts.pages.overview} problem={checks.problem}>
      <State
        live={live}
        unwell={checks.value?.filter(({ healthy }) => !healthy).map(({ name, detail }) => `${name} (${detail})`)}
      />
      {overview && <Figures overview={overview} />}
      {overview?.clients === 0 && overview.sessions === 0 && (
        <div class="empty">
          <FirstSteps />
        </div>
      )}
      <Plots />
      <Hints />
      <div class="columns">
        <Drops />
        <Slow />
      </div>
      <Section title={own.checks}>
        <Table
          label={own.checks}
          rows={checks.value}
          empty={null}
          columns={[
            { title: own.checkColumns.name, cell: ({ name }) => name, width: '9rem' },
            {
              title: own.checkColumns.state,
              width: '7rem',
              cell: ({ healthy }) => (
                <Badge kind={healthy ? 'good' : 'bad'}>{healthy ? own.healthy : own.unhealthy}</Badge>
              ),
            },
            { title: own.checkColumns.detail, cell: ({ detail }) => detail },
          ]}
        />
      </Section>
      {overview && <p class="quiet">{own.footer(overview.version, duration(overview.uptimeSeconds))}</p>}
    </PageFrame>
  )
}

interface StateProps {
  readonly live: Live
  /** `undefined` until it is known. */
  readonly unwell: readonly string[] | undefined
}

/** One sentence. */
function State({ live: { overview, rates }, unwell }: StateProps): JSX.Element {
  if (overview === undefined || unwell === undefined) return <p class="state quiet">{own.connecting}</p>
  if (unwell.length > 0) return <p class="state bad">{own.unwell(unwell.join(', '))}</p>
  if (rates.dropped > 0) return <p class="state warn">{own.dropping(rates.dropped)}</p>
  return <p class="state good">{own.well(overview.clients, rates.received, rates.sent)}</p>
}

function Figures({ overview }: { readonly overview: OverviewView }): JSX.Element {
  const { tiles } = own
  return (
    <Tiles
      rows={[
        [tiles.clients, count(overview.clients), linkTo('clients')],
        [tiles.away, count(overview.sessionsAway), `${linkTo('clients')}?show=away`],
        [tiles.subscriptions, count(overview.subscriptions), linkTo('subscriptions')],
        [tiles.retained, count(overview.retainedMessages), linkTo('retained')],
        [tiles.queued, count(overview.queuedMessages)],
        [own.memoryOf(overview.memoryLimit), bytes(overview.memoryBytes)],
      ]}
    />
  )
}

function Drops(): JSX.Element {
  const { value } = useView('drops', {})
  return (
    <Section title={own.drops}>
      <Table
        label={own.drops}
        rows={value?.filter(({ messages }) => messages > 0)}
        empty={<p>{own.noDrops}</p>}
        columns={[
          { title: own.dropColumns.cause, cell: ({ cause }) => cause, value: ({ cause }) => cause, width: '10rem' },
          {
            title: own.dropColumns.messages,
            isNumber: true,
            width: '6rem',
            cell: ({ messages }) => count(messages),
            value: ({ messages }) => messages,
          },
          { title: own.dropColumns.description, cell: ({ description }) => description, needs: 'medium' },
        ]}
      />
    </Section>
  )
}

function Slow(): JSX.Element {
  const { value } = useView('slowSubscribers', { limit: 20 })
  const columns = own.slowColumns
  return (
    <Section title={own.slow}>
      <Table
        label={own.slow}
        rows={value}
        empty={<p>{own.noSlow}</p>}
        columns={[
          { title: columns.client, cell: ({ clientId }) => <a href={linkTo('clients', clientId)}>{clientId}</a> },
          {
            title: columns.queued,
            isNumber: true,
            width: '5rem',
            cell: ({ queuedMessages }) => count(queuedMessages),
            value: ({ queuedMessages }) => queuedMessages,
          },
          {
            title: columns.unsent,
            isNumber: true,
            width: '6rem',
            cell: ({ unsentBytes }) => bytes(unsentBytes),
            value: ({ unsentBytes }) => unsentBytes,
          },
          {
            title: columns.time,
            isNumber: true,
            width: '8rem',
            needs: 'wide',
            cell: ({ acknowledgementMs }) => (acknowledgementMs === null ? '–' : milliseconds(acknowledgementMs)),
          },
        ]}
      />
    </Section>
  )
}
