/** Traces: the form that starts one, and those that are running. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { TraceView } from '../../../src/broker/host/trace-admin.ts'
import { call, type ApiProblem } from '../api/client.ts'
import { may } from '../api/logins.ts'
import { count, duration, time } from '../format.ts'
import { Badge, Field, Form, PageFrame, Section } from '../parts/basics.tsx'
import { Command } from '../parts/command.tsx'
import { Table } from '../parts/table.tsx'
import { goTo, linkTo, routeQuery } from '../state/route.ts'
import { problemOf, useView, type View } from '../state/view.ts'
import { texts } from '../texts.ts'
import { stopTrace } from './trace/stop.ts'
import { whatIsFollowed } from './trace/followed.ts'

const own = texts.trace
const REFRESH_MS = 2000

export function Traces(): JSX.Element {
  const traces = useView('traces', {}, REFRESH_MS)
  return (
    <PageFrame title={texts.pages.trace} problem={traces.problem}>
      <p class="quiet">{own.hint}</p>
      {may('startTrace') && <Start />}
      {traces.problem === undefined && (
        <Section title={own.list}>
          <List traces={traces} />
        </Section>
      )}
    </PageFrame>
  )
}

/** Fields that are empty set no condition, and leave a limit as the broker has it. */
function Start(): JSX.Element {
  const [clientId, setClientId] = useState(routeQuery.value.get('client') ?? '')
  const [topicFilter, setTopicFilter] = useState('')
  const [userName, setUserName] = useState('')
  const [address, setAddress] = useState('')
  const [seconds, setSeconds] = useState('')
  const [records, setRecords] = useState('')
  const [payloadBytes, setPayloadBytes] = useState('')
  const [problem, setProblem] = useState<ApiProblem>()
  const start = async (): Promise<void> => {
    try {
      const limits = { seconds: numberOf(seconds), records: numberOf(records), payloadBytes: numberOf(payloadBytes) }
      const filter = { clientId, topicFilter, userName, address }
      const { traceId } = await call('startTrace', { ...given(filter), ...limits })
      goTo(linkTo('trace', traceId))
    } catch (error) {
      setProblem(problemOf(error))
    }
  }
  return (
    <>
      <Form action={own.start} onSubmit={() => void start()}>
        <Field label={own.clientId} value={clientId} onInput={setClientId} />
        <Field label={own.topicFilter} value={topicFilter} onInput={setTopicFilter} note={own.topicNote} />
        <Field label={own.userName} value={userName} onInput={setUserName} />
        <Field label={own.address} value={address} onInput={setAddress} placeholder={own.addressHint} />
        <Field label={own.seconds} type="number" value={seconds} onInput={setSeconds} placeholder="300" />
        <Field label={own.records} type="number" value={records} onInput={setRecords} placeholder={own.unlimited} />
        <Field
          label={own.payloadBytes}
          type="number"
          value={payloadBytes}
          onInput={setPayloadBytes}
          placeholder="0"
          note={own.payloadNote}
        />
      </Form>
      {problem && (
        <p class="problem" role="alert">
          {problem.message}
        </p>
      )}
    </>
  )
}

function List({ traces: { value, reload } }: { readonly traces: View<readonly TraceView[]> }): JSX.Element {
  const titles = own.listColumns
  return (
    <Table
      label={own.list}
      rows={value}
      empty={
        <>
          <p>{texts.empty.traces}</p>
          <Command text={texts.empty.traceCommand} />
        </>
      }
      columns={[
        {
          title: titles.what,
          width: '2fr',
          cell: (trace) => <a href={linkTo('trace', trace.traceId)}>{whatIsFollowed(trace)}</a>,
        },
        {
          title: titles.state,
          width: '7rem',
          needs: 'medium',
          cell: ({ end }) => (
            <Badge kind={end === undefined ? 'good' : 'quiet'}>{end === undefined ? own.running : own.ended}</Badge>
          ),
        },
        { title: titles.startedBy, cell: ({ startedBy }) => startedBy, needs: 'wide' },
        { title: titles.startedAt, width: '11rem', needs: 'wide', cell: ({ startedAtMs }) => time(startedAtMs) },
        {
          title: titles.left,
          width: '6rem',
          isNumber: true,
          needs: 'medium',
          cell: ({ endsAtMs, end }) => (end === undefined ? duration((endsAtMs - Date.now()) / 1000) : '–'),
        },
        {
          title: titles.records,
          width: '5.5rem',
          isNumber: true,
          cell: ({ records }) => count(records),
          value: ({ records }) => records,
        },
        {
          title: titles.connections,
          width: '7rem',
          isNumber: true,
          needs: 'medium',
          cell: ({ connections }) => count(connections),
        },
        {
          title: titles.action,
          width: '5rem',
          cell: (trace) =>
            trace.end === undefined && (
              <button type="button" class="plain" onClick={() => stopTrace(trace, reload)}>
                {own.stop}
              </button>
            ),
        },
      ]}
    />
  )
}

function numberOf(written: string): number | undefined {
  return written === '' ? undefined : Number(written)
}

function given<Fields extends Readonly<Record<string, string>>>(fields: Fields): Partial<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '')) as Partial<Fields>
}
