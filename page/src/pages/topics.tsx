/** What is published where, counted for some seconds; and a message to publish. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { TopicView } from '../../../src/broker/host/admin.ts'
import { call, type ApiProblem } from '../api/client.ts'
import { may } from '../api/logins.ts'
import { bytes, count, rate } from '../format.ts'
import { Choice, Field, Form, PageFrame, Section } from '../parts/basics.tsx'
import { act } from '../parts/dialog.tsx'
import { Table } from '../parts/table.tsx'
import { problemOf } from '../state/view.ts'
import { texts } from '../texts.ts'

const own = texts.topics

export function Topics(): JSX.Element {
  const [filter, setFilter] = useState('#')
  const [seconds, setSeconds] = useState<keyof typeof own.spans>('2')
  const [depth, setDepth] = useState<keyof typeof own.depths>('all')
  const [rows, setRows] = useState<readonly TopicView[]>()
  const [problem, setProblem] = useState<ApiProblem>()
  const [isCounting, setCounting] = useState(false)
  const run = async (): Promise<void> => {
    setCounting(true)
    try {
      const levels = depth === 'all' ? undefined : Number(depth)
      setRows(await call('topics', { topicFilter: filter, seconds: Number(seconds), depth: levels, limit: 1000 }))
      setProblem(undefined)
    } catch (error) {
      setProblem(problemOf(error))
    }
    setCounting(false)
  }
  return (
    <PageFrame title={texts.pages.topics} problem={problem}>
      <p class="quiet">{own.hint}</p>
      <Form action={isCounting ? own.counting : own.count} isBusy={isCounting} onSubmit={() => void run()}>
        <Field label={own.filter} value={filter} onInput={setFilter} isRequired />
        <Choice label={own.seconds} value={seconds} values={own.spans} onChange={setSeconds} />
        <Choice label={own.depth} value={depth} values={own.depths} onChange={setDepth} />
      </Form>
      {rows && <Counted rows={rows} />}
      {may('publish') && <Publish />}
    </PageFrame>
  )
}

function Counted({ rows }: { readonly rows: readonly TopicView[] }): JSX.Element {
  return (
    <Table
      label={texts.pages.topics}
      rows={rows}
      empty={<p>{texts.empty.topics}</p>}
      columns={[
        { title: own.columns.topic, width: '2fr', cell: ({ topic }) => topic, value: ({ topic }) => topic },
        {
          title: own.columns.rate,
          isNumber: true,
          width: '7rem',
          value: (row) => row.messagesPerSecond,
          cell: ({ messagesPerSecond }) => rate(messagesPerSecond),
        },
        {
          title: own.columns.bytes,
          isNumber: true,
          width: '7rem',
          value: (row) => row.bytesPerSecond,
          needs: 'medium',
          cell: ({ bytesPerSecond }) => `${bytes(bytesPerSecond)}/s`,
        },
        {
          title: own.columns.receivers,
          isNumber: true,
          width: '7rem',
          value: ({ receivers }) => receivers,
          cell: ({ receivers }) => count(receivers),
        },
      ]}
    />
  )
}

function Publish(): JSX.Element {
  const [topic, setTopic] = useState('')
  const [payload, setPayload] = useState('')
  const [qos, setQos] = useState<keyof typeof texts.qos>('0')
  const [retain, setRetain] = useState<'no' | 'yes'>('no')
  const publish = (): void => {
    const request = { topic, payload, qos: Number(qos) as 0 | 1 | 2, retain: retain === 'yes' }
    void act(() => call('publish', request), own.published(topic))
  }
  return (
    <Section title={own.publish} note={own.publishNote}>
      <Form action={own.publishAction} onSubmit={publish}>
        <Field label={own.topic} value={topic} onInput={setTopic} isRequired />
        <Field label={own.payload} value={payload} onInput={setPayload} />
        <Choice label={own.qos} value={qos} values={texts.qos} onChange={setQos} />
        <Choice label={own.retain} value={retain} values={{ no: texts.no, yes: texts.yes }} onChange={setRetain} />
      </Form>
    </Section>
  )
}
