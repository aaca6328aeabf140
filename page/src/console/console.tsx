/** A client of MQTT 5.0 in the page. @module */
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { consoleTexts as own } from '../console-texts.ts'
import { PageFrame } from '../parts/basics.tsx'
import { linkTo } from '../state/route.ts'
import { texts } from '../texts.ts'
import './console.css'
import { connect, disconnect, keepLoginUsed, status, type Status } from './console-session.ts'
import { Messages } from './messages.tsx'
import { Publish } from './publish.tsx'
import { Subscribe } from './subscribe.tsx'

export function Console(): JSX.Element {
  useEffect(() => {
    if (status.value.name === 'off') connect()
    return keepLoginUsed()
  }, [])
  return (
    <PageFrame title={texts.pages.console} actions={<Action />}>
      <p class={`console-state ${status.value.name}`} role="status">
        {sentenceOf(status.value)} {status.value.name === 'connected' && <Link clientId={status.value.clientId} />}
      </p>
      <div class="console">
        <div class="console-subscribe">
          <Subscribe />
        </div>
        <div class="console-messages">
          <Messages />
        </div>
        <div class="console-publish">
          <Publish />
        </div>
      </div>
    </PageFrame>
  )
}

function Link({ clientId }: { readonly clientId: string }): JSX.Element {
  return <a href={linkTo('clients', clientId)}>{own.asClient}</a>
}

function Action(): JSX.Element {
  const { name } = status.value
  const isOff = name === 'off' || name === 'refused'
  return (
    <>
      {name === 'waiting' && (
        <button type="button" onClick={connect}>
          {own.now}
        </button>
      )}
      <button type="button" onClick={isOff ? connect : disconnect}>
        {isOff ? own.connect : own.disconnect}
      </button>
    </>
  )
}

function sentenceOf(now: Status): string {
  if (now.name === 'connected') return own.states.connected(now.clientId)
  if (now.name === 'waiting') return own.states.waiting(own.sentence(now.why), now.seconds)
  if (now.name === 'refused') return own.states.refused(own.sentence(now.why))
  return own.states[now.name]
}
