/** Why a message did not arrive, a connection ended, or a login was refused. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { WhyFact } from '../../../src/broker/host/why-view.ts'
import { call, type ApiProblem } from '../api/client.ts'
import { time } from '../format.ts'
import { Badge, Choice, Field, Form, PageFrame } from '../parts/basics.tsx'
import { routeQuery } from '../state/route.ts'
import { problemOf } from '../state/view.ts'
import { texts } from '../texts.ts'

const own = texts.why

type Question = keyof typeof own.questions

export function Why(): JSX.Element {
  const [question, setQuestion] = useState<Question>('message')
  const [clientId, setClientId] = useState(routeQuery.value.get('client') ?? '')
  const [topic, setTopic] = useState('')
  const [userName, setUserName] = useState('')
  const [address, setAddress] = useState('')
  const [facts, setFacts] = useState<readonly WhyFact[]>()
  const [problem, setProblem] = useState<ApiProblem>()
  const answer = async (): Promise<readonly WhyFact[]> => {
    if (question === 'message') return (await call('why', { clientId, ...given({ topic }) })).facts
    if (question === 'closed') return (await call('whyClosed', { clientId })).facts
    return (await call('whyRefused', given({ clientId, userName, address }))).facts
  }
  const submit = (): void =>
    void answer().then(
      (found) => {
        setFacts(found)
        setProblem(undefined)
      },
      (error: unknown) => setProblem(problemOf(error)),
    )
  return (
    <PageFrame title={texts.pages.why} problem={problem}>
      <Form action={own.ask} onSubmit={submit}>
        <Choice label={own.question} value={question} values={own.questions} onChange={setQuestion} />
        <Field label={own.client} value={clientId} onInput={setClientId} isRequired={question !== 'refused'} />
        {question === 'message' && <Field label={own.topic} value={topic} onInput={setTopic} note={own.topicNote} />}
        {question === 'refused' && <Field label={own.userName} value={userName} onInput={setUserName} />}
        {question === 'refused' && <Field label={own.address} value={address} onInput={setAddress} />}
      </Form>
      {facts === undefined ? <p class="quiet">{own.hint}</p> : <Answer facts={facts} />}
    </PageFrame>
  )
}

/** The deciding fact first, those that lead to it below. */
function Answer({ facts }: { readonly facts: readonly WhyFact[] }): JSX.Element {
  if (facts.length === 0) return <p class="empty">{own.nothing}</p>
  return (
    <ol class="answer" aria-label={own.answer}>
      {facts.map(({ certainty, cause, text, atMs }, at) => (
        <li key={at}>
          <p>{text}</p>
          <p class="quiet">
            <Badge kind={certainty === 'recorded' ? 'good' : 'quiet'}>{own.certainties[certainty]}</Badge> {cause}
            {atMs !== undefined && `, ${time(atMs)}`}
          </p>
        </li>
      ))}
    </ol>
  )
}

/** Fields that are empty are no part of the question. */
function given<Fields extends Readonly<Record<string, string>>>(fields: Fields): Partial<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '')) as Partial<Fields>
}
