/** The configuration in force, as a list of keys; and a reload. @module */
import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { call } from '../api/client.ts'
import { Field, PageFrame } from '../parts/basics.tsx'
import { ask } from '../parts/dialog.tsx'
import { Table } from '../parts/table.tsx'
import { useView } from '../state/view.ts'
import { texts } from '../texts.ts'

const own = texts.configuration

interface Setting {
  readonly key: string
  readonly value: string
}

export function Configuration(): JSX.Element {
  const { value, problem, reload } = useView('configuration', {}, 0)
  const [search, setSearch] = useState('')
  const all = useMemo(() => value && settingsOf('', value), [value])
  const part = search.toLowerCase()
  const rows = all?.filter((setting) => `${setting.key} ${setting.value}`.toLowerCase().includes(part))
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
        <button type="button" onClick={confirm}>
          {own.reload}
        </button>
      }
    >
      <p class="quiet">{own.note}</p>
      <div class="filters">
        <Field label={own.search} type="search" value={search} onInput={setSearch} />
      </div>
      <Table
        label={texts.pages.configuration}
        height={22}
        rows={problem === undefined ? rows : []}
        empty={<p>{own.empty}</p>}
        columns={[
          { title: own.columns.key, cell: ({ key }) => <code>{key}</code>, value: ({ key }) => key },
          { title: own.columns.value, cell: (setting) => <code>{setting.value}</code> },
        ]}
      />
    </PageFrame>
  )
}

/** Nested sections as keys with dots, spelled as in a configuration file. */
function settingsOf(prefix: string, section: object): readonly Setting[] {
  return Object.entries(section).flatMap(([name, value]: [string, unknown]) => {
    const key = prefix + name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    const isSection = typeof value === 'object' && value !== null && !isPlainList(value)
    return isSection
      ? settingsOf(`${key}.`, value)
      : [{ key, value: Array.isArray(value) ? value.join(', ') : String(value) }]
  })
}

function isPlainList(value: object): boolean {
  return Array.isArray(value) && value.every((one) => typeof one !== 'object')
}
