/** Retained messages: as a tree of topics, or those that a filter matches. @module */
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { RetainedView } from '../../../src/broker/host/admin.ts'
import { call } from '../api/client.ts'
import { may } from '../api/logins.ts'
import { ago, bytes, count, time } from '../format.ts'
import { Field, PageFrame } from '../parts/basics.tsx'
import { ask } from '../parts/dialog.tsx'
import { FirstRetained } from '../parts/first-steps.tsx'
import { Table } from '../parts/table.tsx'
import { goTo, linkTo, routeQuery } from '../state/route.ts'
import { useView } from '../state/view.ts'
import { texts } from '../texts.ts'

const own = texts.retained
const MOST = 1000

export function Retained(): JSX.Element {
  const filter = routeQuery.value.get('filter') ?? '#'
  const { value, problem, reload } = useView('retained', { topicFilter: filter, limit: MOST })
  const items = value?.items
  return (
    <PageFrame
      title={texts.pages.retained}
      problem={problem}
      actions={
        may('deleteRetained') &&
        items !== undefined &&
        items.length > 0 && (
          <button type="button" class="danger" onClick={() => remove(filter, reload)}>
            {own.removeAll}
          </button>
        )
      }
    >
      <div class="filters">
        <Field label={own.filter} value={filter} onInput={(written) => goTo(linkOf(written || '#'))} />
        <p class="found" role="status">
          {items && count(items.length)} {value?.cursor !== undefined && own.more(MOST)}
        </p>
      </div>
      <Levels filter={filter} items={items ?? []} />
      <Table
        label={texts.pages.retained}
        ordered={0}
        rows={problem === undefined ? items : []}
        empty={<FirstRetained />}
        columns={[
          { title: own.columns.topic, width: '2fr', cell: ({ topic }) => topic, value: ({ topic }) => topic },
          {
            title: own.columns.size,
            isNumber: true,
            width: '5rem',
            value: (row) => row.payloadBytes,
            cell: ({ payloadBytes }) => bytes(payloadBytes),
          },
          { title: own.columns.qos, isNumber: true, width: '3.5rem', needs: 'medium', cell: ({ qos }) => qos },
          { title: own.columns.publisher, cell: ({ publisher }) => publisher || '–', needs: 'medium' },
          {
            title: own.columns.since,
            width: '8rem',
            needs: 'medium',
            value: (row) => row.receivedAtMs,
            cell: ({ receivedAtMs }) => ago(receivedAtMs),
          },
          {
            title: own.columns.expires,
            width: '11rem',
            needs: 'wide',
            cell: ({ expiresAtMs }) => (expiresAtMs === undefined ? '–' : time(expiresAtMs)),
          },
          {
            title: own.columns.action,
            width: '5rem',
            cell: ({ topic }) =>
              may('deleteRetained') && (
                <button type="button" class="plain" onClick={() => remove(topic, reload)}>
                  {own.remove}
                </button>
              ),
          },
        ]}
      />
    </PageFrame>
  )
}

/** The tree, one level at a time: what is above the filter, and what is directly below it. */
function Levels({
  filter,
  items,
}: {
  readonly filter: string
  readonly items: readonly RetainedView[]
}): JSX.Element | null {
  const above = filter.split('/').slice(0, -1)
  const isLevel = filter.endsWith('#') && !above.some((level) => level === '+')
  const below = useMemo(() => (isLevel ? levelsBelow(above.length, items) : []), [filter, items])
  if (!isLevel) return null
  return (
    <nav class="levels" aria-label={own.levels}>
      <a href={linkOf('#')}>{own.all}</a>
      {above.map((level, at) => (
        <a key={at} href={linkOf(`${above.slice(0, at + 1).join('/')}/#`)}>
          / {level}
        </a>
      ))}
      <span class="below">
        {below.map(([level, messages]) => (
          <a key={level} href={linkOf([...above, level, '#'].join('/'))}>
            {level} <small>{count(messages)}</small>
          </a>
        ))}
      </span>
    </nav>
  )
}

/** The next levels that have others below them, with how many messages are there. */
function levelsBelow(depth: number, items: readonly RetainedView[]): [string, number][] {
  const found = new Map<string, number>()
  for (const { topic } of items) {
    const levels = topic.split('/')
    if (levels.length > depth + 1) found.set(levels[depth]!, (found.get(levels[depth]!) ?? 0) + 1)
  }
  return [...found].toSorted(([, one], [, other]) => other - one).slice(0, 50)
}

function linkOf(filter: string): string {
  return `${linkTo('retained')}?${new URLSearchParams({ filter })}`
}

function remove(topicFilter: string, reload: () => void): void {
  ask({
    title: own.removeTitle(topicFilter),
    body: own.removeBody,
    action: own.remove,
    done: own.removed,
    isDangerous: true,
    run: () => call('deleteRetained', { topicFilter }).then(reload),
  })
}
