/** Who may do what, and which rule decides it. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { AccessRule } from '../../../../src/access/directory/entries.ts'
import type { ExplainRequest, ExplainView } from '../../../../src/broker/host/access-admin.ts'
import { call, type ApiProblem } from '../../api/client.ts'
import { Badge, Choice, Field, Form, Problem, Section } from '../../parts/basics.tsx'
import { Table } from '../../parts/table.tsx'
import { problemOf } from '../../state/view.ts'
import { texts } from '../../texts.ts'
import { rulesOf, type OwnedRule } from './rules-of.ts'

const own = texts.access.explain

interface Answer {
  readonly asked: ExplainRequest
  readonly view: ExplainView
  /** `undefined` for a user that is not in the store. */
  readonly rules: readonly OwnedRule[] | undefined
}

export function Explain(): JSX.Element {
  const [action, setAction] = useState<ExplainRequest['action']>('publish')
  const [topic, setTopic] = useState('')
  const [userName, setUserName] = useState('')
  const [clientId, setClientId] = useState('')
  const [address, setAddress] = useState('')
  const [answer, setAnswer] = useState<Answer>()
  const [problem, setProblem] = useState<ApiProblem>()
  const explain = async (): Promise<void> => {
    try {
      const asked = { action, topic, clientId, address, ...(userName !== '' && { userName }) }
      const view = await call('explain', asked)
      setAnswer({ asked, view, rules: userName === '' ? undefined : await rulesOf(userName) })
      setProblem(undefined)
    } catch (error) {
      setAnswer(undefined)
      setProblem(problemOf(error))
    }
  }
  return (
    <>
      <p class="quiet">{own.hint}</p>
      <Form action={own.ask} onSubmit={() => void explain()}>
        <Field label={own.userName} value={userName} onInput={setUserName} note={own.userNote} />
        <Choice label={own.action} value={action} values={own.actions} onChange={setAction} />
        <Field label={own.topic} value={topic} onInput={setTopic} isRequired />
        <Field label={own.clientId} value={clientId} onInput={setClientId} />
        <Field label={own.address} value={address} onInput={setAddress} />
      </Form>
      <Problem problem={problem} />
      {answer && <Explained answer={answer} />}
    </>
  )
}

function Explained({ answer: { asked, view, rules } }: { readonly answer: Answer }): JSX.Element {
  const isAllowed = view.decision === 'allow'
  const who = asked.userName ?? own.anonymous
  return (
    <>
      <div role="status">
        <p class={`state ${isAllowed ? 'good' : 'bad'}`}>
          {own.sentence[view.decision](who, own.actions[asked.action], asked.topic)}
        </p>
        <ul class="answer" aria-label={own.votes}>
          {view.explanations.map(({ plugin, decision, rule }) => (
            <li key={plugin}>
              <Badge kind={decision === 'allow' ? 'good' : decision === 'deny' ? 'bad' : 'quiet'}>{decision}</Badge>{' '}
              {rule} <span class="quiet">({plugin})</span>
            </li>
          ))}
        </ul>
        {view.explanations.length === 0 && <p class="quiet">{own.noVotes}</p>}
      </div>
      {asked.userName !== undefined && (
        <Section title={own.rules(asked.userName)} note={own.rulesNote}>
          <Rules rules={rules} />
        </Section>
      )}
    </>
  )
}

function Rules({ rules }: { readonly rules: readonly OwnedRule[] | undefined }): JSX.Element {
  const titles = own.ruleColumns
  return (
    <Table
      label={titles.label}
      rows={rules ?? []}
      empty={<p>{rules === undefined ? own.noUser : own.noRules}</p>}
      columns={[
        { title: titles.effect, width: '5rem', cell: ({ rule }) => <Effect rule={rule} /> },
        { title: titles.action, width: '6.5rem', cell: ({ rule }) => rule.action },
        { title: titles.topic, width: '2fr', cell: ({ rule }) => <code>{rule.topic}</code> },
        { title: titles.role, cell: ({ role }) => role },
        { title: titles.group, cell: ({ group }) => group ?? own.itself, needs: 'medium' },
        { title: titles.priority, isNumber: true, width: '5rem', needs: 'wide', cell: ({ rule }) => rule.priority },
      ]}
    />
  )
}

function Effect({ rule }: { readonly rule: AccessRule }): JSX.Element {
  return <Badge kind={rule.effect === 'allow' ? 'good' : 'bad'}>{rule.effect}</Badge>
}
