/** What the broker did in the last hour or month, in plots. @module */
import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { HistoryFigure, HistoryView } from '../../../src/broker/host/history-view.ts'
import { brief, bytes, milliseconds } from '../format.ts'
import { Choice, Section } from '../parts/basics.tsx'
import { Plot, type Line } from '../parts/plot.tsx'
import { useView } from '../state/view.ts'
import { texts } from '../texts.ts'

const own = texts.overview
const { lines } = own

const REFRESH_MS = { hour: 5000, month: 60_000 } as const
/** In both spans: as many as a plot has pixels for. */
const POINTS = 400

interface PlotRow {
  readonly title: string
  readonly lines: Readonly<Partial<Record<HistoryFigure, string>>>
  readonly write?: (value: number) => string
}

const percent = (value: number): string => `${brief(value)} %`

const rows: readonly PlotRow[] = [
  { title: own.messages, lines: { messagesReceived: lines.in, messagesSent: lines.out } },
  { title: own.connections, lines: { clients: lines.connected, sessionsAway: lines.away } },
  { title: own.dropped, lines: { messagesDropped: lines.dropped } },
  { title: own.busy, lines: { busyPercent: lines.busy }, write: percent },
  { title: own.commit, lines: { commitMs: lines.commit }, write: milliseconds },
  { title: own.memory, lines: { memoryBytes: lines.used }, write: bytes },
  { title: own.traffic, lines: { bytesReceived: lines.in, bytesSent: lines.out }, write: bytes },
  { title: own.queued, lines: { queuedMessages: lines.queued } },
]

export function Plots(): JSX.Element {
  const [span, setSpan] = useState<HistoryView['span']>('hour')
  const { value } = useView('history', { span, points: POINTS }, REFRESH_MS[span])
  const times = useMemo(() => value?.atMs.map((atMs) => atMs / 1000) ?? [], [value])
  return (
    <Section title={own.plots}>
      <div class="filters">
        <Choice label={own.span} value={span} values={own.spans} onChange={setSpan} />
      </div>
      <div class="plots">
        {rows.map((row) => (
          <Plot
            key={row.title}
            title={row.title}
            times={times}
            lines={linesOf(row, value)}
            write={row.write ?? brief}
            hasDays={span === 'month'}
          />
        ))}
      </div>
    </Section>
  )
}

function linesOf(row: PlotRow, view: HistoryView | undefined): readonly Line[] {
  return (Object.entries(row.lines) as [HistoryFigure, string][]).map(([figure, name]) => ({
    name,
    values: view?.figures[figure] ?? [],
  }))
}
