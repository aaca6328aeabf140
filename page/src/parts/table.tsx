/**
 * A table of any length: only the rows in sight are elements, so a hundred thousand scroll as ten do.
 *
 * @module
 */
import type { ComponentChildren, JSX } from 'preact'
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { texts } from '../texts.ts'

const ROW_HEIGHT = 32
/** Rows above and below those in sight. */
const MARGIN = 8

export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => ComponentChildren
  /** For sorting, which takes a click on the title. */
  readonly value?: (row: Row) => string | number | undefined
  /** A track of the grid; default `1fr`. */
  readonly width?: string
  /** Right-aligned, with digits of one width. */
  readonly isNumber?: true
  /** Left out where there is no room: first `wide`, then `medium`. */
  readonly needs?: 'medium' | 'wide'
}

export interface TableProps<Row> {
  readonly label: string
  readonly columns: readonly Column<NoInfer<Row>>[]
  /** `undefined` while they are loaded. */
  readonly rows: readonly Row[] | undefined
  readonly empty: ComponentChildren
  /** The column by which rows are sorted at first; default: as they come. */
  readonly ordered?: number
  /** Rows in sight at most; default 16. */
  readonly height?: number
}

interface Order {
  readonly column: number
  readonly isDescending: boolean
}

export function Table<Row>({ label, columns, rows, empty, ordered, height = 16 }: TableProps<Row>): JSX.Element {
  const [order, setOrder] = useState<Order | undefined>(
    ordered === undefined ? undefined : { column: ordered, isDescending: false },
  )
  const sorted = useMemo(() => sort(rows ?? [], columns, order), [rows, order])
  const [scrolled, setScrolled] = useState(0)
  const [seen, setSeen] = useState(height * ROW_HEIGHT)
  const scroller = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return undefined
    const observer = new ResizeObserver(() => setSeen(element.clientHeight))
    observer.observe(element)
    return () => observer.disconnect()
  }, [rows === undefined, rows?.length === 0])
  if (rows === undefined) return <p class="quiet">{texts.loading}</p>
  if (rows.length === 0) return <div class="empty">{empty}</div>
  const first = Math.max(0, Math.floor(scrolled / ROW_HEIGHT) - MARGIN)
  const last = Math.min(sorted.length, Math.ceil((scrolled + seen) / ROW_HEIGHT) + MARGIN)
  const shown = sorted.slice(first, last)
  return (
    <div
      class="table"
      role="table"
      aria-label={label}
      aria-rowcount={sorted.length + 1}
      style={tracksOf(columns, height)}
      tabIndex={0}
      ref={scroller}
      onScroll={(event) => setScrolled(event.currentTarget.scrollTop)}
    >
      <div class="table-head" role="rowgroup">
        <div class="table-row" role="row" aria-rowindex={1}>
          {columns.map((column, at) => (
            <Title key={column.title} column={column} at={at} order={order} setOrder={setOrder} />
          ))}
        </div>
      </div>
      <div class="table-body" role="rowgroup" style={{ height: `${sorted.length * ROW_HEIGHT}px` }}>
        {shown.map((row, at) => (
          <div
            class="table-row"
            role="row"
            key={first + at}
            aria-rowindex={first + at + 2}
            style={{ transform: `translateY(${(first + at) * ROW_HEIGHT}px)` }}
          >
            {columns.map((column) => (
              <div role="cell" class={classOf(column)} key={column.title}>
                {column.cell(row)}
              </div>
            ))}
          </div>
        ))}
      </div>
    </div>
  )
}

interface TitleProps<Row> {
  readonly column: Column<Row>
  readonly at: number
  readonly order: Order | undefined
  readonly setOrder: (order: Order) => void
}

function Title<Row>({ column, at, order, setOrder }: TitleProps<Row>): JSX.Element {
  const isOrdered = order?.column === at
  const direction = isOrdered ? (order.isDescending ? 'descending' : 'ascending') : 'none'
  const change = (): void =>
    setOrder({ column: at, isDescending: isOrdered ? !order.isDescending : column.isNumber === true })
  return (
    <div role="columnheader" class={classOf(column)} aria-sort={column.value && direction}>
      {column.value === undefined ? (
        column.title
      ) : (
        <button type="button" class="title" onClick={change}>
          {column.title}
          <span aria-hidden="true">{isOrdered ? (order.isDescending ? ' ↓' : ' ↑') : ''}</span>
        </button>
      )}
    </div>
  )
}

function classOf<Row>({ isNumber, needs }: Column<Row>): string {
  return ['cell', isNumber && 'number', needs && `needs-${needs}`].filter(Boolean).join(' ')
}

/** The tracks for each width, which the style sheet chooses from. */
function tracksOf<Row>(columns: readonly Column<Row>[], height: number): Record<string, string> {
  const tracks = (leaveOut: readonly (string | undefined)[]): string =>
    columns
      .filter(({ needs }) => needs === undefined || !leaveOut.includes(needs))
      .map(({ width = '1fr' }) => (width.endsWith('fr') ? `minmax(0, ${width})` : width))
      .join(' ')
  return {
    '--rows': String(height),
    '--wide': tracks([]),
    '--medium': tracks(['wide']),
    '--phone': tracks(['wide', 'medium']),
  }
}

function sort<Row>(rows: readonly Row[], columns: readonly Column<Row>[], order: Order | undefined): readonly Row[] {
  const value = order === undefined ? undefined : columns[order.column]?.value
  if (order === undefined || value === undefined) return rows
  const factor = order.isDescending ? -1 : 1
  // Each value is asked for once, and texts are compared by their characters: a hundred thousand take 100 ms so.
  const keyed = rows.map((row) => ({ row, key: value(row) ?? '' }))
  keyed.sort(({ key: one }, { key: other }) => (one < other ? -factor : one > other ? factor : 0))
  return keyed.map(({ row }) => row)
}
