/** The configuration in force, key by key, with where each value comes from; and a reload. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { ConfigurationEntryView } from '../../../src/broker/host/configuration-view.ts'
import { call } from '../api/client.ts'
import { may } from '../api/logins.ts'
import { Choice, Field, PageFrame } from '../parts/basics.tsx'
import { ask } from '../parts/dialog.tsx'
import { Table } from '../parts/table.tsx'
import { useView } from '../state/view.ts'
import { texts } from '../texts.ts'

const own = texts.configuration

type Shown = keyof typeof own.shown

export function Configuration(): JSX.Element {
  const { value, problem, reload } = useView('configurationEntries', {}, 0)
  const [search, setSearch] = useState('')
  const [shown, setShown] = useState<Shown>('all')
  const part = search.toLowerCase()
  const rows = value?.filter(
    (entry) =>
      (shown === 'all' || entry.source !== 'default') && `${entry.key} ${entry.value}`.toLowerCase().includes(part),
  )
  const confirm = (): void =>
    ask({
      title: own.reloadTitle,
      body: own.reloadBody,
      action: own.reloadAction,
      done: own.reloaded,
      run: async () => {
        const changes = await call('reload', {})
        reload()
        return changes
      },
    })
  return (
    <PageFrame
      title={texts.pages.configuration}
      problem={problem}
      actions={
        may('reload') && (
          <button type="button" onClick={confirm}>
            {own.reload}
          </button>
        )
      }
    >
      <p class="quiet">{own.note}</p>
      <div class="filters">
        <Field label={own.search} type="search" value={search} onInput={setSearch} />
        <Choice label={own.show} value={shown} values={own.shown} onChange={setShown} />
      </div>
      <Table
        label={texts.pages.configuration}
        height={22}
        rows={problem === undefined ? rows : []}
        empty={<p>{own.empty}</p>}
        columns={[
          { title: own.columns.key, width: '3fr', cell: ({ key }) => <code>{key}</code>, value: ({ key }) => key },
          { title: own.columns.value, width: '2fr', cell: (entry) => <code title={entry.value}>{entry.value}</code> },
          { title: own.columns.source, width: '2fr', needs: 'medium', cell: sourceOf, value: sourceOf },
        ]}
      />
    </PageFrame>
  )
}

function sourceOf({ source, file = '', line = 0 }: ConfigurationEntryView): string {
  const name = file.slice(file.lastIndexOf('/') + 1)
  return source === 'file' || source === 'environment' ? own.sources[source](name, line) : own.sources[source]
}
