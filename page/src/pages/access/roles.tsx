/** Roles and the rules in them. @module */
import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { RoleView } from '../../../../src/broker/host/access-admin.ts'
import { call } from '../../api/client.ts'
import { may } from '../../api/logins.ts'
import { Badge, Choice, Field, Form, Problem, Section } from '../../parts/basics.tsx'
import { act, ask } from '../../parts/dialog.tsx'
import { Table } from '../../parts/table.tsx'
import { useView } from '../../state/view.ts'
import { texts } from '../../texts.ts'

const own = texts.access
const MOST = 1000

type Rule = RoleView['rules'][number]

/** A rule, or a role that has none yet. */
interface Row {
  readonly role: string
  readonly rule: Rule | undefined
}

export function Roles(): JSX.Element {
  const { value, problem, reload } = useView('roles', { limit: MOST })
  const rows = useMemo(() => value?.items.flatMap(rowsOf), [value])
  const titles = own.roleColumns
  return (
    <>
      <Problem problem={problem} />
      <Table
        label={own.tabs.roles}
        rows={problem === undefined ? rows : []}
        empty={<p>{texts.empty.roles}</p>}
        columns={[
          { title: titles.name, cell: ({ role }) => role, value: ({ role }) => role },
          {
            title: titles.action,
            width: '7rem',
            cell: ({ rule }) => rule?.action ?? '–',
            value: (row) => row.rule?.action,
          },
          {
            title: titles.effect,
            width: '5rem',
            cell: ({ rule }) => rule && <Badge kind={rule.effect === 'allow' ? 'good' : 'bad'}>{rule.effect}</Badge>,
          },
          { title: titles.topic, cell: ({ rule }) => rule?.topic, value: ({ rule }) => rule?.topic },
          {
            title: titles.priority,
            isNumber: true,
            width: '5rem',
            needs: 'medium',
            cell: ({ rule }) => rule?.priority,
          },
          {
            title: titles.remove,
            width: '5rem',
            cell: (row) => may('deleteRule') && row.rule && <Remove row={row} reload={reload} />,
          },
        ]}
      />
      {may('putRole') && <NewRule reload={reload} />}
      {may('deleteRole') && value && value.items.length > 0 && <RemoveRole roles={value.items} reload={reload} />}
    </>
  )
}

function rowsOf({ name, rules }: RoleView): Row[] {
  return rules.length === 0 ? [{ role: name, rule: undefined }] : rules.map((rule) => ({ role: name, rule }))
}

function Remove({ row: { role, rule }, reload }: { readonly row: Row; readonly reload: () => void }): JSX.Element {
  const { action, topic, effect, priority, literal } = rule!
  const remove = (): void =>
    ask({
      title: own.removeRuleTitle(`${effect} ${action} ${topic}`),
      body: own.removeRuleBody,
      action: own.remove,
      done: own.removed,
      isDangerous: true,
      run: () => call('deleteRule', { name: role, action, topic }).then(reload),
      undo: () => call('putRule', { name: role, action, topic, effect, priority, literal }).then(reload),
    })
  return (
    <button type="button" class="plain" onClick={remove}>
      {own.remove}
    </button>
  )
}

function NewRule({ reload }: { readonly reload: () => void }): JSX.Element {
  const [name, setName] = useState('')
  const [action, setAction] = useState<Rule['action']>('publish')
  const [effect, setEffect] = useState<Rule['effect']>('allow')
  const [topic, setTopic] = useState('')
  const save = (): void => {
    const put = async (): Promise<void> => {
      await makeRole(name)
      await call('putRule', { name, action, effect, topic })
      setTopic('')
      reload()
    }
    void act(put, own.saved(name))
  }
  return (
    <Section title={own.newRule}>
      <Form action={own.save} onSubmit={save}>
        <Field label={own.role} value={name} onInput={setName} isRequired />
        <Choice label={own.ruleAction} value={action} values={own.ruleActions} onChange={setAction} />
        <Choice label={own.effect} value={effect} values={own.effects} onChange={setEffect} />
        <Field label={own.topic} value={topic} onInput={setTopic} isRequired note={own.topicNote} />
      </Form>
    </Section>
  )
}

function RemoveRole({
  roles,
  reload,
}: {
  readonly roles: readonly RoleView[]
  readonly reload: () => void
}): JSX.Element {
  const [chosen, setChosen] = useState('')
  const role = roles.find(({ name }) => name === chosen) ?? roles[0]!
  return (
    <Section title={own.removeRole}>
      <Form action={own.removeRoleAction} onSubmit={() => void removeRole(role, reload)}>
        <Choice
          label={own.roleToRemove}
          value={role.name}
          values={Object.fromEntries(roles.map(({ name }) => [name, name]))}
          onChange={setChosen}
        />
      </Form>
    </Section>
  )
}

/** Says who has it; they get it back by an undo, unless there are more than one request lists. */
async function removeRole({ name, rules, textName, textDescription }: RoleView, reload: () => void): Promise<void> {
  const { items: users, cursor } = await call('users', { role: name, limit: MOST })
  const { items: groups, cursor: moreGroups } = await call('groups', { limit: MOST })
  const having = groups.filter(({ roles }) => roles.some((role) => role.name === name))
  const restore = async (): Promise<void> => {
    await call('putRole', { name, rules, textName, textDescription })
    for (const { userName, roles } of users) await call('putUser', { userName, roles })
    for (const { name: group, roles } of having) await call('putGroup', { name: group, roles })
    reload()
  }
  ask({
    title: own.removeRoleTitle(name),
    body: own.removeRoleBody(
      rules.length,
      cursor === undefined ? own.members(users.length) : own.manyMembers(MOST),
      having.length,
    ),
    action: own.remove,
    done: own.removed,
    isDangerous: true,
    run: () => call('deleteRole', { name }).then(reload),
    ...(cursor === undefined && moreGroups === undefined && { undo: restore }),
  })
}

/** A role that exists stays as it is. */
async function makeRole(name: string): Promise<void> {
  await call('putRole', { name })
}
