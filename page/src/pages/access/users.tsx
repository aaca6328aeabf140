/** Users in the store of the broker. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { UserView } from '../../../../src/broker/host/access-admin.ts'
import { call } from '../../api/client.ts'
import { may } from '../../api/logins.ts'
import { Badge, Field, Form, Problem, Section } from '../../parts/basics.tsx'
import { act, ask } from '../../parts/dialog.tsx'
import { Table } from '../../parts/table.tsx'
import { useView } from '../../state/view.ts'
import { texts } from '../../texts.ts'
import { listOf, namesOf } from './names.ts'

const own = texts.access
const MOST = 1000

export function Users(): JSX.Element {
  const { value, problem, reload } = useView('users', { limit: MOST })
  const titles = own.userColumns
  return (
    <>
      <Problem problem={problem} />
      <Table
        label={own.tabs.users}
        rows={problem === undefined ? value?.items : []}
        empty={<p>{texts.empty.users}</p>}
        columns={[
          { title: titles.name, cell: ({ userName }) => userName, value: ({ userName }) => userName },
          { title: titles.roles, cell: ({ roles }) => namesOf(roles) },
          { title: titles.groups, cell: ({ groups }) => namesOf(groups), needs: 'wide' },
          { title: titles.client, cell: ({ clientId }) => clientId ?? '–', needs: 'wide' },
          {
            title: titles.state,
            width: '6rem',
            needs: 'medium',
            cell: ({ disabled }) => (
              <Badge kind={disabled ? 'quiet' : 'good'}>{disabled ? own.disabled : own.enabled}</Badge>
            ),
          },
          {
            title: titles.action,
            width: '10rem',
            cell: (user) => may('putUser') && <Actions user={user} reload={reload} />,
          },
        ]}
      />
      {may('putUser') && <NewUser reload={reload} />}
    </>
  )
}

function Actions({ user, reload }: { readonly user: UserView; readonly reload: () => void }): JSX.Element {
  const { userName, disabled } = user
  const set = (isDisabled: boolean): Promise<void> => call('putUser', { userName, disabled: isDisabled }).then(reload)
  const disable = (): void =>
    ask({
      title: own.disableTitle(userName),
      body: own.disableBody,
      action: own.disable,
      done: own.changed,
      isDangerous: true,
      run: () => set(true),
      undo: () => set(false),
    })
  const remove = (): void =>
    ask({
      title: own.removeUserTitle(userName),
      body: own.removeUserBody,
      action: own.remove,
      done: own.removed,
      isDangerous: true,
      run: () => call('deleteUser', { userName }).then(reload),
    })
  return (
    <>
      <button type="button" class="plain" onClick={disabled ? () => void act(() => set(false), own.changed) : disable}>
        {disabled ? own.enable : own.disable}
      </button>
      <button type="button" class="plain" onClick={remove}>
        {own.remove}
      </button>
    </>
  )
}

function NewUser({ reload }: { readonly reload: () => void }): JSX.Element {
  const [userName, setUserName] = useState('')
  const [password, setPassword] = useState('')
  const [roles, setRoles] = useState('')
  const [groups, setGroups] = useState('')
  const save = (): void => {
    const wanted = {
      ...(password !== '' && { password }),
      ...(roles.trim() !== '' && { roles: listOf(roles) }),
      ...(groups.trim() !== '' && { groups: listOf(groups) }),
    }
    const put = async (): Promise<void> => {
      await call('putUser', { userName, ...wanted })
      setUserName('')
      setPassword('')
      setRoles('')
      setGroups('')
      reload()
    }
    void act(put, own.saved(userName))
  }
  return (
    <Section title={own.newUser}>
      <Form action={own.save} onSubmit={save}>
        <Field label={own.userName} value={userName} onInput={setUserName} isRequired />
        <Field label={own.password} type="password" value={password} onInput={setPassword} note={own.passwordNote} />
        <Field label={own.roles} value={roles} onInput={setRoles} note={own.rolesNote} />
        <Field label={own.groups} value={groups} onInput={setGroups} note={own.groupsNote} />
      </Form>
    </Section>
  )
}
