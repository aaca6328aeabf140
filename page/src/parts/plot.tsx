/** A plot over time, with the latest values in words for those who cannot see it. @module */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { brief } from '../format.ts'

const HEIGHT = 150
/** Between two times of the axis, in seconds: nothing is known of less than one. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 432_000]

export interface Line {
  readonly name: string
  readonly values: readonly (number | null)[]
}

interface PlotProps {
  readonly title: string
  /** In seconds since 1970. */
  readonly times: readonly number[]
  readonly lines: readonly Line[]
  readonly write?: (value: number) => string
  /** Whether the times are those of days, not of minutes. */
  readonly hasDays?: boolean
}

export function Plot({ title, times, lines, write = brief, hasDays = false }: PlotProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | undefined>(undefined)
  const names = lines.map(({ name }) => name).join()
  const data = [times, ...lines.map(({ values }) => values)] as UPlot.AlignedData
  const latest = useRef(data)
  latest.current = data
  useEffect(() => {
    const element = place.current!
    const make = (): void => {
      plot.current?.destroy()
      plot.current = new UPlot(optionsOf(element, lines, write, hasDays), latest.current, element)
    }
    make()
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }))
    observer.observe(element)
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const themes = new MutationObserver(make)
    themes.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    scheme.addEventListener('change', make)
    return () => {
      observer.disconnect()
      themes.disconnect()
      scheme.removeEventListener('change', make)
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [names, hasDays])
  useEffect(() => plot.current?.setData(data), [times, lines])
  return (
    <figure class="plot">
      <figcaption>
        <span>{title}</span>
        <span class="legend">
          {lines.map(({ name, values }, at) => (
            <span key={name}>
              <i class={`line-${at}`} /> {name} <b>{latestOf(values, write)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={place} aria-hidden="true" />
    </figure>
  )
}

function latestOf(values: Line['values'], write: (value: number) => string): string {
  const last = values.findLast((value) => value !== null)
  return last === undefined || last === null ? '–' : write(last)
}

function optionsOf(
  element: HTMLElement,
  lines: readonly Line[],
  write: (value: number) => string,
  hasDays: boolean,
): UPlot.Options {
  const style = getComputedStyle(element)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const axis = {
    stroke: color('--quiet'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [12, 12, 0, 0],
    legend: { show: false },
    cursor: { points: { show: false }, drag: { x: false, y: false } },
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [
      { ...axis, size: 24, space: 70, incrs: [...STEPS], values: hasDays ? '{D} {MMM}' : timesOf },
      { ...axis, size: 56, space: 32, values: (_, ticks) => ticks.map(write) },
    ],
    series: [
      {},
      ...lines.map(({ name }, at) => ({
        label: name,
        stroke: color(`--line-${at}`),
        width: 1.5,
        points: { show: false },
        ...(at === 0 && { fill: color('--fill') }),
      })),
    ],
  }
}

/** With seconds only where ticks are closer than a minute. */
function timesOf(_: UPlot, ticks: number[], __: number, ___: number, step: number): string[] {
  const length = step < 60 ? 8 : 5
  return ticks.map((tick) => new Date(tick * 1000).toTimeString().slice(0, length))
}
