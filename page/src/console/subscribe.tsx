/** What the console is subscribed to, and to what else it is to be. @module */
import { effect, signal } from '@preact/signals'
import type { JSX } from 'preact'
import { login } from '../api/credentials.ts'
import { Badge, Choice, Field, Section } from '../parts/basics.tsx'
import { consoleTexts as own } from '../console-texts.ts'
import { nameOf, status, subscribe, subscriptions, unsubscribe, type ConsoleSubscription } from './console-session.ts'
import { Check, Line } from './controls.tsx'

type Digit = '0' | '1' | '2'

const CONTROL = '$CONTROL'
const NOT_AUTHORIZED = 0x87

const topicFilter = signal('')
const qos = signal<Digit>('0')
const noLocal = signal(false)
const retainAsPublished = signal(true)
const retainHandling = signal<Digit>('0')

effect(() => {
  if (login.value === 'needed') topicFilter.value = ''
})

export function Subscribe(): JSX.Element {
  return (
    <Section title={own.subscriptions}>
      <Form />
      {subscriptions.value.length === 0 ? (
        <Examples />
      ) : (
        <ul class="console-list" aria-label={own.subscriptions}>
          {subscriptions.value.map((each) => (
            <Entry key={each.topicFilter} subscription={each} />
          ))}
        </ul>
      )}
    </Section>
  )
}

function Form(): JSX.Element {
  const submit = (event: Event): void => {
    event.preventDefault()
    subscribe({
      topicFilter: topicFilter.value,
      qos: Number(qos.value) as 0 | 1 | 2,
      noLocal: noLocal.value,
      retainAsPublished: retainAsPublished.value,
      retainHandling: Number(retainHandling.value) as 0 | 1 | 2,
    })
    topicFilter.value = ''
  }
  return (
    <form class="console-form" onSubmit={submit}>
      <Line>
        <Field
          label={own.topicFilter}
          value={topicFilter.value}
          onInput={(value) => (topicFilter.value = value)}
          isRequired
        />
        <Choice label={own.qos} value={qos.value} values={own.qosNames} onChange={(value) => (qos.value = value)} />
        <Choice
          label={own.retainHandling}
          value={retainHandling.value}
          values={own.retainHandlings}
          onChange={(value) => (retainHandling.value = value)}
        />
      </Line>
      <Line>
        <Check
          label={own.noLocal}
          note={own.noLocalNote}
          value={noLocal.value}
          onChange={(value) => (noLocal.value = value)}
        />
        <Check
          label={own.retainAsPublished}
          note={own.retainAsPublishedNote}
          value={retainAsPublished.value}
          onChange={(value) => (retainAsPublished.value = value)}
        />
        <button type="submit" class="primary">
          {own.subscribe}
        </button>
      </Line>
    </form>
  )
}

function Examples(): JSX.Element {
  return (
    <div class="empty">
      <p>{own.noSubscriptions}</p>
      <ul class="examples">
        {own.examples.map(([filter, meaning]) => (
          <li key={filter}>
            <button
              type="button"
              class="plain"
              aria-label={own.use(filter)}
              onClick={() => (topicFilter.value = filter)}
            >
              <code>{filter}</code>
            </button>{' '}
            {meaning}
          </li>
        ))}
      </ul>
    </div>
  )
}

function Entry({ subscription }: { readonly subscription: ConsoleSubscription }): JSX.Element {
  const { kind, text } = answerOf(subscription)
  return (
    <li>
      <div>
        <code>{subscription.topicFilter}</code> {kind !== 'bad' && <Badge kind={kind}>{text}</Badge>}
        {kind === 'bad' && <p class="bad">{text}</p>}
        <p class="quiet">{flagsOf(subscription)}</p>
      </div>
      <button
        type="button"
        class="plain"
        aria-label={(kind === 'bad' ? own.removeThis : own.unsubscribeFrom)(subscription.topicFilter)}
        onClick={() => void unsubscribe(subscription)}
      >
        {kind === 'bad' ? own.remove : own.unsubscribe}
      </button>
    </li>
  )
}

/** The answer in words. */
function answerOf({ answer, topicFilter: filter }: ConsoleSubscription): {
  readonly kind: 'good' | 'bad' | 'quiet'
  readonly text: string
} {
  if (answer === undefined) {
    return { kind: 'quiet', text: status.value.name === 'connected' ? own.answers.waiting : own.answers.off }
  }
  const { reasonCode, reason } = answer
  if (reasonCode < 0x80) return { kind: 'good', text: own.answers.granted(nameOf(reasonCode, 'SUBACK')) }
  if (reasonCode === NOT_AUTHORIZED) {
    return { kind: 'bad', text: filter.includes(CONTROL) ? own.answers.control : own.answers.notAllowed }
  }
  return { kind: 'bad', text: own.answers.refused(reason ?? nameOf(reasonCode)) }
}

function flagsOf({
  qos: asked,
  noLocal: isNoLocal,
  retainAsPublished: asPublished,
  retainHandling: handling,
}: ConsoleSubscription): string {
  return [
    `${own.qos} ${asked}`,
    ...(isNoLocal ? [own.flags.noLocal] : []),
    ...(asPublished ? [own.flags.retainAsPublished] : []),
    `${own.flags.retainHandling} ${handling}`,
  ].join(', ')
}
