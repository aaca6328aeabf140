/** Keys for the HTTP API. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { AdminRole, ApiKeyView } from '../../../../src/broker/host/api-key-views.ts'
import { call, type ApiProblem } from '../../api/client.ts'
import { ago, time } from '../../format.ts'
import { may } from '../../api/logins.ts'
import { Choice, Field, Form, Problem, Section } from '../../parts/basics.tsx'
import { Command } from '../../parts/command.tsx'
import { ask } from '../../parts/dialog.tsx'
import { Table } from '../../parts/table.tsx'
import { problemOf, useView } from '../../state/view.ts'
import { texts } from '../../texts.ts'

const own = texts.access
const SECONDS_PER_DAY = 86_400

export function ApiKeys(): JSX.Element {
  const { value, problem, reload } = useView('apiKeys', {})
  const titles = own.keyColumns
  const remove = ({ keyId, name }: ApiKeyView): void =>
    ask({
      title: own.removeKeyTitle(name),
      body: own.removeKeyBody,
      action: own.remove,
      done: own.removed,
      isDangerous: true,
      run: () => call('deleteApiKey', { keyId }).then(reload),
    })
  return (
    <>
      <Problem problem={problem} />
      <Table
        label={own.tabs.keys}
        rows={problem === undefined ? value : []}
        empty={<p>{texts.empty.keys}</p>}
        columns={[
          { title: titles.name, cell: ({ name }) => name, value: ({ name }) => name },
          { title: titles.role, width: '8rem', cell: ({ role }) => role },
          { title: titles.created, width: '12rem', needs: 'wide', cell: ({ createdAtMs }) => time(createdAtMs) },
          { title: titles.used, width: '8rem', needs: 'medium', cell: ({ lastUsedAtMs }) => ago(lastUsedAtMs) },
          {
            title: titles.expires,
            width: '12rem',
            needs: 'medium',
            cell: ({ expiresAtMs }) => (expiresAtMs === undefined ? own.never : time(expiresAtMs)),
          },
          {
            title: titles.action,
            width: '5rem',
            cell: (key) => (
              <button type="button" class="plain" onClick={() => remove(key)}>
                {own.remove}
              </button>
            ),
          },
        ]}
      />
      {may('createApiKey') && <NewKey reload={reload} />}
    </>
  )
}

function NewKey({ reload }: { readonly reload: () => void }): JSX.Element {
  const [name, setName] = useState('')
  const [role, setRole] = useState<AdminRole>('viewer')
  const [days, setDays] = useState('')
  const [made, setMade] = useState<string>()
  const [problem, setProblem] = useState<ApiProblem>()
  const make = async (): Promise<void> => {
    try {
      const expiry = days === '' ? {} : { expiresInSeconds: Math.round(Number(days) * SECONDS_PER_DAY) }
      const { key } = await call('createApiKey', { name, role, ...expiry })
      setMade(key)
      setProblem(undefined)
      setName('')
      reload()
    } catch (error) {
      setProblem(problemOf(error))
    }
  }
  return (
    <Section title={own.newKey}>
      <Problem problem={problem} />
      <Form action={own.make} onSubmit={() => void make()}>
        <Field label={own.keyName} value={name} onInput={setName} isRequired />
        <Choice label={own.role} value={role} values={own.keyRoles} onChange={setRole} />
        <Field label={own.keyDays} type="number" value={days} onInput={setDays} note={own.keyDaysNote} />
      </Form>
      {made !== undefined && (
        <div role="status">
          <p>{own.made}</p>
          <Command text={made} />
        </div>
      )}
    </Section>
  )
}
