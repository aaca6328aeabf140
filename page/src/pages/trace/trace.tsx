/** One trace, as it goes on: its records, the newest first, and its file. @module */
import type { JSX } from 'preact'
import { useMemo, useRef, useState } from 'preact/hooks'
import { may } from '../../api/logins.ts'
import { count } from '../../format.ts'
import { Badge, Field, PageFrame, Section } from '../../parts/basics.tsx'
import { Table } from '../../parts/table.tsx'
import { linkTo } from '../../state/route.ts'
import { follow, MOST_RECORDS, type FollowedTrace, type TraceRow, type TraceState } from '../../state/traces.ts'
import { texts } from '../../texts.ts'
import { saveAs } from '../../parts/save.ts'
import { stopTrace } from './stop.ts'
import { whatIsFollowed } from './followed.ts'

const own = texts.trace

export function Trace({ traceId }: { readonly traceId: string }): JSX.Element {
  const trace = useMemo(() => follow(traceId), [traceId])
  const state = trace.state.value
  const [isPaused, setPaused] = useState(false)
  const held = useHeld(state.rows, isPaused)
  const isAbsent = state.problem !== undefined && state.rows.length === 0
  const isOver = state.end !== undefined || state.problem !== undefined
  return (
    <PageFrame
      title={
        <>
          <a class="quiet" href={linkTo('trace')}>
            {texts.pages.trace}
          </a>{' '}
          / {state.header === undefined ? traceId : whatIsFollowed(state.header)}{' '}
          {!isAbsent && <Badge kind={isOver ? 'quiet' : 'good'}>{isOver ? own.ended : own.running}</Badge>}
        </>
      }
      actions={
        <>
          {!isOver && (
            <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
              {isPaused ? own.resume : own.pause}
            </button>
          )}
          {!isAbsent && <Download trace={trace} traceId={traceId} />}
          {!isOver && may('stopTrace') && (
            <button type="button" onClick={() => stopTrace({ traceId }, () => undefined)}>
              {own.stop}
            </button>
          )}
        </>
      }
      problem={state.problem}
    >
      {!isAbsent && (
        <>
          <p class="quiet" role="status">
            {sentenceOf(state)}
          </p>
          <Records rows={held} isOver={isOver} />
        </>
      )}
    </PageFrame>
  )
}

/** What is shown while it is paused stays; records go on coming meanwhile. */
function useHeld(rows: readonly TraceRow[], isPaused: boolean): readonly TraceRow[] {
  const held = useRef(rows)
  if (!isPaused) held.current = rows
  return held.current
}

function sentenceOf({ rows, forgotten, lost, end }: TraceState): string {
  const all = rows.length + forgotten
  return [
    end === undefined ? own.soFar(all) : own.ends[end.end](end.records),
    forgotten > 0 && own.forgotten(MOST_RECORDS),
    (end?.recordsLost ?? 0) + lost > 0 && own.lost((end?.recordsLost ?? 0) + lost),
  ]
    .filter((sentence) => sentence !== false)
    .join(' ')
}

function Download({ trace, traceId }: { readonly trace: FollowedTrace; readonly traceId: string }): JSX.Element {
  return (
    <button
      type="button"
      disabled={trace.state.value.rows.length === 0}
      onClick={() => saveAs(trace.file(), `trace-${traceId}.jsonl`)}
    >
      {own.download}
    </button>
  )
}

function Records({ rows, isOver }: { readonly rows: readonly TraceRow[]; readonly isOver: boolean }): JSX.Element {
  const [search, setSearch] = useState('')
  const [selected, setSelected] = useState<TraceRow>()
  const shown = useMemo(() => matching(rows, search), [rows, search])
  const titles = own.columns
  return (
    <>
      <div class="filters">
        <Field label={own.search} type="search" value={search} onInput={setSearch} placeholder={own.searchHint} />
        {search !== '' && <span class="found">{own.found(count(shown.length), count(rows.length))}</span>}
      </div>
      <Table
        label={own.recordTable}
        height={20}
        rows={shown}
        empty={<p>{rows.length > 0 ? own.noMatch : isOver ? own.nothing : own.waiting}</p>}
        columns={[
          { title: titles.number, width: '4.5rem', isNumber: true, needs: 'wide', cell: ({ seq }) => seq },
          { title: titles.at, width: '7.5rem', needs: 'medium', cell: ({ atMs }) => clock(atMs) },
          { title: titles.connection, width: '3rem', isNumber: true, needs: 'wide', cell: (row) => row.connection },
          {
            title: titles.client,
            width: '10rem',
            needs: 'medium',
            cell: ({ clientId }) => clientId !== '' && <a href={linkTo('clients', clientId)}>{clientId}</a>,
          },
          {
            title: titles.what,
            width: '3fr',
            cell: (row) => (
              <button
                type="button"
                class="line"
                aria-expanded={row.seq === selected?.seq}
                onClick={() => setSelected(row.seq === selected?.seq ? undefined : row)}
              >
                {row.line}
              </button>
            ),
          },
        ]}
      />
      {selected && <Selected row={selected} />}
    </>
  )
}

/** All of a record: its line, and the record as the file has it. */
function Selected({ row: { seq, atMs, clientId, line, data } }: { readonly row: TraceRow }): JSX.Element {
  return (
    <Section title={own.record(seq)} note={[clock(atMs), clientId].filter((part) => part !== '').join(', ')}>
      <p class="wrapped">
        <code>{line.trim()}</code>
      </p>
      <pre class="json" tabIndex={0} aria-label={own.record(seq)}>
        {JSON.stringify(JSON.parse(data), undefined, 2)}
      </pre>
    </Section>
  )
}

/** The newest first. */
function matching(rows: readonly TraceRow[], search: string): readonly TraceRow[] {
  const part = search.toLowerCase()
  const found = part === '' ? rows : rows.filter((row) => `${row.clientId} ${row.line}`.toLowerCase().includes(part))
  return found.toReversed()
}

function clock(atMs: number): string {
  const at = new Date(atMs)
  return `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`
}
