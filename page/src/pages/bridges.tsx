/** Bridges to other brokers: whether they are connected, what waits for them, what has crossed them. @module */
import type { JSX } from 'preact'
import type { BridgeTraffic, BridgeView } from '../../../src/broker/host/bridge-view.ts'
import { call } from '../api/client.ts'
import { may } from '../api/logins.ts'
import { ago, count } from '../format.ts'
import { Badge, PageFrame } from '../parts/basics.tsx'
import { act, ask } from '../parts/dialog.tsx'
import { Table } from '../parts/table.tsx'
import { linkTo } from '../state/route.ts'
import { useView } from '../state/view.ts'
import { texts } from '../texts.ts'

const own = texts.bridges

export function Bridges(): JSX.Element {
  const { value, problem, reload } = useView('bridges', {})
  const titles = own.columns
  return (
    <PageFrame title={texts.pages.bridges} problem={problem}>
      <Table
        label={texts.pages.bridges}
        rows={problem === undefined ? value : []}
        empty={<p>{own.empty}</p>}
        columns={[
          {
            title: titles.name,
            cell: ({ name, localClientId }) => <a href={linkTo('clients', localClientId)}>{name}</a>,
            value: ({ name }) => name,
          },
          { title: titles.state, width: '8rem', cell: (bridge) => <State bridge={bridge} /> },
          { title: titles.url, width: '2fr', needs: 'medium', cell: ({ url }) => url },
          { title: titles.since, width: '8rem', needs: 'medium', cell: ({ sinceMs }) => ago(sinceMs) },
          {
            title: titles.queued,
            width: '5rem',
            isNumber: true,
            cell: ({ queuedMessages }) => count(queuedMessages),
            value: ({ queuedMessages }) => queuedMessages,
          },
          {
            title: titles.out,
            width: '6rem',
            isNumber: true,
            needs: 'wide',
            cell: (bridge) => count(bridge.out.messages),
          },
          {
            title: titles.in,
            width: '6rem',
            isNumber: true,
            needs: 'wide',
            cell: (bridge) => count(bridge.in.messages),
          },
          {
            title: titles.lost,
            width: '6rem',
            isNumber: true,
            needs: 'wide',
            cell: (bridge) => count(lostOf(bridge.out) + lostOf(bridge.in)),
          },
          { title: titles.reason, width: '2fr', needs: 'medium', cell: ({ reason }) => reason ?? '–' },
          {
            title: titles.action,
            width: '6rem',
            cell: (bridge) => may('pauseBridge') && <Action bridge={bridge} reload={reload} />,
          },
        ]}
      />
    </PageFrame>
  )
}

function State({ bridge: { state } }: { readonly bridge: BridgeView }): JSX.Element {
  const kind = state === 'connected' ? 'good' : state === 'waiting' ? 'bad' : 'quiet'
  return <Badge kind={kind}>{own.states[state]}</Badge>
}

function Action({
  bridge: { name, state },
  reload,
}: {
  readonly bridge: BridgeView
  readonly reload: () => void
}): JSX.Element {
  const resume = (): Promise<void> => call('resumeBridge', { name }).then(reload)
  const pause = (): void =>
    ask({
      title: own.pauseTitle(name),
      body: own.pauseBody,
      action: own.pause,
      done: own.paused,
      run: () => call('pauseBridge', { name }).then(reload),
      undo: resume,
    })
  const isPaused = state === 'paused'
  return (
    <button type="button" class="plain" onClick={isPaused ? () => void act(resume, own.resumed) : pause}>
      {isPaused ? own.resume : own.pause}
    </button>
  )
}

function lostOf({ refused, dropped }: BridgeTraffic): number {
  return refused + Object.values(dropped).reduce((sum, messages) => sum + messages, 0)
}
