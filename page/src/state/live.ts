/** The broker at a glance, each second, and what happens each second in between. @module */
import { useEffect, useState } from 'preact/hooks'
import type { OverviewView } from '../../../src/broker/host/admin.ts'
import { followEvents } from '../api/events.ts'

export interface Live {
  readonly overview: OverviewView | undefined
  /** Each second, between the latest two overviews. */
  readonly rates: { readonly received: number; readonly sent: number; readonly dropped: number }
}

const NOTHING: Live = { overview: undefined, rates: { received: 0, sent: 0, dropped: 0 } }

export function useLive(): Live {
  const [live, setLive] = useState(NOTHING)
  useEffect(() => {
    const abort = new AbortController()
    void followEvents('overview=1', abort.signal, ({ name, value }) => {
      if (name !== 'overview') return
      const overview = value as unknown as OverviewView
      setLive((before) => ({ overview, rates: ratesBetween(before.overview, overview) }))
    })
    return () => abort.abort()
  }, [])
  return live
}

function ratesBetween(before: OverviewView | undefined, after: OverviewView): Live['rates'] {
  const seconds = before === undefined ? 0 : after.uptimeSeconds - before.uptimeSeconds
  if (before === undefined || seconds <= 0) return NOTHING.rates
  const each = (name: 'messagesReceived' | 'messagesSent' | 'messagesDropped'): number =>
    (after[name] - before[name]) / seconds
  return { received: each('messagesReceived'), sent: each('messagesSent'), dropped: each('messagesDropped') }
}
