/** The form that publishes a message, with every property that a publisher may set. @module */
import { effect, signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Properties } from '../../../src/codec/properties.ts'
import { login } from '../api/credentials.ts'
import { Choice, Field, Section } from '../parts/basics.tsx'
import { consoleTexts as own } from '../console-texts.ts'
import { nameOf, publish } from './console-session.ts'
import { Area, Check, Line } from './controls.tsx'
import { bytesOf, type PayloadFormat } from './payload.ts'

type Pair = readonly [name: string, value: string]

const EMPTY = {
  ...{ topic: '', payload: '', format: 'text' as PayloadFormat, qos: '0' as '0' | '1' | '2', retain: false },
  ...{ indicator: '' as '' | '0' | '1', messageExpiryInterval: '', contentType: '', responseTopic: '' },
  ...{ correlationData: '', correlationFormat: 'text' as PayloadFormat, topicAlias: '' },
  userProperties: [] as readonly Pair[],
}

type Draft = typeof EMPTY

const draft = signal<Draft>(EMPTY)

// The next to log in sees nothing of it.
effect(() => {
  if (login.value === 'needed') draft.value = EMPTY
})

/** A message to the Response Topic of another one, with its Correlation Data. */
export function draftAnswer({ responseTopic = '', correlationData }: Properties): void {
  const digits = [...(correlationData ?? [])].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  change({ topic: responseTopic, correlationData: digits, correlationFormat: 'hex' })
}

function change(part: Partial<Draft>): void {
  draft.value = { ...draft.value, ...part }
}

export function Publish(): JSX.Element {
  const [outcome, setOutcome] = useState<{ readonly text: string; readonly isBad: boolean }>()
  const { topic, payload, format, qos, retain } = draft.value
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    try {
      const { reasonCode, reason } = await publish({ ...messageOf(draft.value) })
      const answer = reason ?? (qos === '0' ? own.sent : nameOf(reasonCode))
      const isBad = reasonCode >= 0x80
      setOutcome({ isBad, text: isBad ? own.refused(answer) : own.published(topic, answer) })
    } catch (error) {
      setOutcome({ isBad: true, text: (error as Error).message })
    }
  }
  return (
    <Section title={own.publish}>
      <form class="console-form" aria-label={own.publish} onSubmit={(event) => void submit(event)}>
        <Line>
          <Field label={own.topic} value={topic} onInput={(value) => change({ topic: value })} isRequired />
          <Choice label={own.qos} value={qos} values={own.qosNames} onChange={(value) => change({ qos: value })} />
          <Check
            label={own.retain}
            note={own.retainNote}
            value={retain}
            onChange={(value) => change({ retain: value })}
          />
        </Line>
        <Area label={own.payload} value={payload} onInput={(value) => change({ payload: value })} />
        <Line>
          <Choice
            label={own.payloadFormat}
            value={format}
            values={own.formats}
            onChange={(value) => change({ format: value })}
          />
          <button type="submit" class="primary">
            {own.publish}
          </button>
        </Line>
        <details>
          <summary>{own.properties}</summary>
          <PropertyFields />
        </details>
        <p role="status" class={outcome?.isBad === true ? 'bad' : 'quiet'}>
          {outcome?.text}
        </p>
      </form>
    </Section>
  )
}

function PropertyFields(): JSX.Element {
  const {
    indicator,
    messageExpiryInterval,
    contentType,
    responseTopic,
    correlationData,
    correlationFormat,
    topicAlias,
  } = draft.value
  return (
    <>
      <Line>
        <Choice
          label={own.indicator}
          value={indicator}
          values={own.indicators}
          onChange={(value) => change({ indicator: value })}
        />
        <Field
          label={own.messageExpiryInterval}
          type="number"
          placeholder={own.seconds}
          value={messageExpiryInterval}
          onInput={(value) => change({ messageExpiryInterval: value })}
        />
        <Field
          label={own.topicAlias}
          type="number"
          value={topicAlias}
          onInput={(value) => change({ topicAlias: value })}
        />
      </Line>
      <Line>
        <Field label={own.contentType} value={contentType} onInput={(value) => change({ contentType: value })} />
        <Field label={own.responseTopic} value={responseTopic} onInput={(value) => change({ responseTopic: value })} />
        <Field
          label={own.correlationData}
          value={correlationData}
          onInput={(value) => change({ correlationData: value })}
        />
        <Choice
          label={own.correlationFormat}
          value={correlationFormat}
          values={own.formats}
          onChange={(value) => change({ correlationFormat: value })}
        />
      </Line>
      <UserProperties />
    </>
  )
}

function UserProperties(): JSX.Element {
  const { userProperties } = draft.value
  const replace = (at: number, pair: Pair): void =>
    change({ userProperties: userProperties.map((each, index) => (index === at ? pair : each)) })
  return (
    <fieldset>
      <legend>{own.userProperties}</legend>
      {userProperties.map(([name, value], at) => (
        <Line key={at}>
          <Field label={own.userPropertyName(at + 1)} value={name} onInput={(text) => replace(at, [text, value])} />
          <Field label={own.userPropertyValue(at + 1)} value={value} onInput={(text) => replace(at, [name, text])} />
          <button
            type="button"
            class="plain"
            aria-label={own.removeUserProperty(at + 1)}
            onClick={() => change({ userProperties: userProperties.toSpliced(at, 1) })}
          >
            ×
          </button>
        </Line>
      ))}
      <button type="button" class="plain" onClick={() => change({ userProperties: [...userProperties, ['', '']] })}>
        {own.addUserProperty}
      </button>
    </fieldset>
  )
}

/** @throws {Error} with a sentence about what cannot be sent */
function messageOf({ topic, payload, format, qos, retain, ...written }: Draft) {
  const properties: Properties = {
    payloadFormatIndicator: numberOf(written.indicator, own.indicator, 0, 1),
    messageExpiryInterval: numberOf(written.messageExpiryInterval, own.messageExpiryInterval, 0, 0xffff_ffff),
    contentType: written.contentType || undefined,
    responseTopic: written.responseTopic || undefined,
    correlationData:
      written.correlationData === '' ? undefined : bytesOf(written.correlationData, written.correlationFormat),
    topicAlias: numberOf(written.topicAlias, own.topicAlias, 1, 0xffff),
    userProperties: written.userProperties.length === 0 ? undefined : written.userProperties,
  }
  return { topicName: topic, payload: bytesOf(payload, format), qos: Number(qos) as 0 | 1 | 2, retain, properties }
}

function numberOf(text: string, name: string, least: number, most: number): number | undefined {
  if (text === '') return undefined
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new Error(own.notBetween(name, least, most))
}
