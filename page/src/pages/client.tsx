/** One client: its connection, its session, what waits for it and why, how its connections ended. @module */
import type { JSX } from 'preact'
import type { ClientView } from '../../../src/broker/sessions/client-view.ts'
import type { SessionView } from '../../../src/broker/sessions/session-view.ts'
import { call } from '../api/client.ts'
import { may } from '../api/logins.ts'
import { ago, bytes, count, expiry, milliseconds, protocol, time } from '../format.ts'
import { Badge, Facts, PageFrame, Section, Tiles } from '../parts/basics.tsx'
import { ClosedTable } from '../parts/closed-table.tsx'
import { ask } from '../parts/dialog.tsx'
import { SubscriptionTable } from '../parts/subscription-table.tsx'
import { Table } from '../parts/table.tsx'
import { linkTo } from '../state/route.ts'
import { useView } from '../state/view.ts'
import { texts } from '../texts.ts'
import { subscribeFor } from './subscribe-for.tsx'

const own = texts.client
const { facts } = own

export function ClientPage({ clientId }: { readonly clientId: string }): JSX.Element {
  const { value, problem, reload } = useView('session', { clientId })
  const isAbsent = problem?.status === 404
  const session = isAbsent ? undefined : value
  return (
    <PageFrame
      title={
        <>
          <a class="quiet" href={linkTo('clients')}>
            {own.back}
          </a>{' '}
          / {clientId}{' '}
          {session && (
            <Badge kind={session.connected ? 'good' : 'quiet'}>{session.connected ? own.connected : own.away}</Badge>
          )}
        </>
      }
      actions={
        <>
          <a class="button" href={`${linkTo('why')}?${new URLSearchParams({ client: clientId })}`}>
            {own.why}
          </a>
          {may('startTrace') && (
            <a class="button" href={`${linkTo('trace')}?${new URLSearchParams({ client: clientId })}`}>
              {own.trace}
            </a>
          )}
          {session && may('disconnect') && <Actions session={session} reload={reload} />}
        </>
      }
      problem={isAbsent ? undefined : problem}
    >
      {isAbsent && <p class="empty">{own.absent}</p>}
      {session === undefined ? null : (
        <>
          {session.connected ? <Connected clientId={clientId} /> : <SessionFacts session={session} />}
          <Messages clientId={clientId} />
          <Subscriptions clientId={clientId} />
        </>
      )}
      <Closed clientId={clientId} />
    </PageFrame>
  )
}

interface ActionsProps {
  readonly session: SessionView
  readonly reload: () => void
}

function Actions({ session, reload }: ActionsProps): JSX.Element {
  const { clientId } = session
  const then = async (action: Promise<unknown>): Promise<void> => {
    await action
    reload()
  }
  const disconnect = (): void =>
    ask({
      title: own.disconnectTitle(clientId),
      body: own.disconnectBody,
      action: own.disconnect,
      done: own.disconnected,
      run: () => then(call('disconnect', { clientId })),
    })
  const ban = (): void =>
    ask({
      title: own.banTitle(clientId),
      body: own.banBody,
      action: texts.access.ban,
      done: own.banned,
      isDangerous: true,
      run: () => then(call('ban', { kind: 'client-id', value: clientId })),
      undo: () => call('unban', { kind: 'client-id', value: clientId }),
    })
  const end = (): void =>
    ask({
      title: own.endTitle(clientId),
      action: own.endAction,
      done: own.ended,
      isDangerous: true,
      body: own.endBody(session.subscriptions.length, session.queuedMessages + session.inflightMessages),
      run: () => then(call('endSession', { clientId })),
    })
  return (
    <>
      <button type="button" onClick={() => subscribeFor(clientId, reload)}>
        {own.subscribe}
      </button>
      {session.connected && (
        <button type="button" onClick={disconnect}>
          {own.disconnect}
        </button>
      )}
      <button type="button" onClick={ban}>
        {own.ban}
      </button>
      <button type="button" class="danger" onClick={end}>
        {own.end}
      </button>
    </>
  )
}

/** The session says that there is a connection; it may have ended since. */
function Connected({ clientId }: { readonly clientId: string }): JSX.Element | null {
  const { value } = useView('client', { clientId })
  return value === undefined ? null : <Connection client={value} />
}

function Connection({ client }: { readonly client: ClientView }): JSX.Element {
  const claimed = client.claimedUserName
  return (
    <>
      <Tiles
        rows={[
          [facts.queued, count(client.queuedMessages)],
          [facts.inflight, `${count(client.inflightMessages)} / ${count(client.receiveMaximum)}`],
          [facts.acknowledges, client.acknowledgementMs === null ? '–' : milliseconds(client.acknowledgementMs)],
          [facts.messagesIn, count(client.messagesReceived)],
          [facts.messagesOut, count(client.messagesSent)],
          [facts.unsent, bytes(client.unsentBytes)],
        ]}
      />
      <div class="columns">
        <Section title={own.connection}>
          <Facts
            rows={[
              [facts.since, `${time(client.connectedAtMs)} (${ago(client.connectedAtMs)})`],
              [facts.address, `${client.address}${client.port === undefined ? '' : `, port ${client.port}`}`],
              [facts.listener, client.listener],
              [facts.version, protocol(client.protocolVersion)],
              [facts.user, client.userName ?? texts.none],
              ...(claimed === undefined ? [] : [[facts.claimed, claimed] as const]),
              [facts.encrypted, client.tls === undefined ? yesNo(client.encrypted) : client.tls.version],
              [facts.keepAlive, own.seconds(client.keepAlive)],
              [facts.state, client.state],
              [facts.read, yesNo(client.isRead)],
            ]}
          />
        </Section>
        <Section title={own.session}>
          <Facts
            rows={[
              [facts.cleanStart, yesNo(client.cleanStart)],
              [facts.present, yesNo(client.sessionPresent)],
              [facts.expiry, expiry(client.sessionExpiryInterval)],
              [facts.receiveMaximum, count(client.receiveMaximum)],
              [facts.quota, count(client.sendQuota)],
              [facts.bytesIn, bytes(client.bytesReceived)],
              [facts.bytesOut, bytes(client.bytesSent)],
              [facts.lastIn, ago(client.lastPacketReceivedAtMs)],
              [facts.lastOut, ago(client.lastPacketSentAtMs)],
              [facts.memory, bytes(client.connectionMemoryBytes + client.sessionMemoryBytes)],
            ]}
          />
        </Section>
      </div>
    </>
  )
}

function SessionFacts({ session }: { readonly session: SessionView }): JSX.Element {
  return (
    <Section title={own.session}>
      <Facts
        rows={[
          [facts.user, session.userName ?? texts.none],
          [facts.expiry, expiry(session.sessionExpiryInterval)],
          [facts.queued, `${count(session.queuedMessages)} (${bytes(session.queuedBytes)})`],
          [facts.inflight, count(session.inflightMessages)],
          [facts.memory, bytes(session.memoryBytes)],
        ]}
      />
    </Section>
  )
}

function Messages({ clientId }: { readonly clientId: string }): JSX.Element {
  const { value } = useView('heldMessages', { clientId, limit: 1000 })
  const titles = own.messageColumns
  return (
    <Section title={own.messages}>
      <Table
        label={own.messages}
        rows={value?.items ?? []}
        empty={<p>{texts.empty.messages}</p>}
        columns={[
          { title: titles.topic, width: '2fr', cell: ({ topic }) => topic, value: ({ topic }) => topic },
          {
            title: titles.state,
            width: '6rem',
            cell: ({ state }) => state,
            value: ({ state }) => state,
            needs: 'medium',
          },
          {
            title: titles.waits,
            width: '7rem',
            cell: ({ waitsFor }) => waitsFor,
            value: ({ waitsFor }) => waitsFor,
          },
          {
            title: titles.ahead,
            width: '5rem',
            isNumber: true,
            needs: 'medium',
            cell: ({ ahead }) => (ahead === undefined ? '–' : count(ahead)),
          },
          { title: titles.qos, width: '3.5rem', isNumber: true, cell: ({ qos }) => qos },
          {
            title: titles.size,
            width: '5rem',
            isNumber: true,
            needs: 'medium',
            cell: ({ payloadBytes }) => bytes(payloadBytes),
            value: ({ payloadBytes }) => payloadBytes,
          },
          { title: titles.since, width: '8rem', needs: 'wide', cell: ({ receivedAtMs }) => ago(receivedAtMs) },
        ]}
      />
    </Section>
  )
}

function Subscriptions({ clientId }: { readonly clientId: string }): JSX.Element {
  const { value, reload } = useView('subscriptions', { clientId, limit: 1000 })
  return (
    <Section title={own.subscriptions}>
      <SubscriptionTable rows={value?.items} reload={reload} isOfOneClient />
    </Section>
  )
}

function Closed({ clientId }: { readonly clientId: string }): JSX.Element {
  const { value } = useView('closedConnections', { clientId, limit: 50 })
  return (
    <Section title={own.closed}>
      <ClosedTable label={own.closed} rows={value?.items} isOfOneClient />
    </Section>
  )
}

function yesNo(value: boolean): string {
  return value ? texts.yes : texts.no
}
