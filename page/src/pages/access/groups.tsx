/** Groups of users, and the roles that they give. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { GroupView, UserView } from '../../../../src/broker/host/access-admin.ts'
import { call } from '../../api/client.ts'
import { may } from '../../api/logins.ts'
import { Field, Form, Problem, Section } from '../../parts/basics.tsx'
import { act, ask } from '../../parts/dialog.tsx'
import { Table } from '../../parts/table.tsx'
import { useView } from '../../state/view.ts'
import { texts } from '../../texts.ts'
import { listOf, namesOf } from './names.ts'

const own = texts.access
const MOST = 1000

export function Groups(): JSX.Element {
  const { value, problem, reload } = useView('groups', { limit: MOST })
  const titles = own.groupColumns
  return (
    <>
      <Problem problem={problem} />
      <Table
        label={own.tabs.groups}
        rows={problem === undefined ? value?.items : []}
        empty={<p>{texts.empty.groups}</p>}
        columns={[
          { title: titles.name, cell: ({ name }) => name, value: ({ name }) => name },
          { title: titles.roles, cell: ({ roles }) => namesOf(roles) },
          { title: titles.about, cell: ({ textDescription }) => textDescription || '–', needs: 'wide' },
          {
            title: titles.action,
            width: '5rem',
            cell: (group) =>
              may('deleteGroup') && (
                <button type="button" class="plain" onClick={() => void remove(group, reload)}>
                  {own.remove}
                </button>
              ),
          },
        ]}
      />
      {may('putGroup') && <NewGroup reload={reload} />}
    </>
  )
}

/** Says who is in it; they are put back by an undo, unless there are more than one request lists. */
async function remove({ name, roles, textName, textDescription }: GroupView, reload: () => void): Promise<void> {
  const { items: members, cursor } = await call('users', { group: name, limit: MOST })
  const restore = async (): Promise<void> => {
    await call('putGroup', { name, roles, textName, textDescription })
    for (const { userName, groups } of members) await call('putUser', { userName, groups })
    reload()
  }
  ask({
    title: own.removeGroupTitle(name),
    body: own.removeGroupBody(countOf(members, cursor), namesOf(roles)),
    action: own.remove,
    done: own.removed,
    isDangerous: true,
    run: () => call('deleteGroup', { name }).then(reload),
    ...(cursor === undefined && { undo: restore }),
  })
}

function countOf(members: readonly UserView[], cursor: string | undefined): string {
  return cursor === undefined ? own.members(members.length) : own.manyMembers(MOST)
}

function NewGroup({ reload }: { readonly reload: () => void }): JSX.Element {
  const [name, setName] = useState('')
  const [roles, setRoles] = useState('')
  const save = (): void => {
    const put = async (): Promise<void> => {
      await call('putGroup', { name, ...(roles.trim() !== '' && { roles: listOf(roles) }) })
      setName('')
      setRoles('')
      reload()
    }
    void act(put, own.saved(name))
  }
  return (
    <Section title={own.newGroup}>
      <Form action={own.save} onSubmit={save}>
        <Field label={own.group} value={name} onInput={setName} isRequired />
        <Field label={own.roles} value={roles} onInput={setRoles} note={own.rolesNote} />
      </Form>
    </Section>
  )
}
