/**
 * The console of this tab: one client, its WebSocket, its subscriptions and its messages. It goes on while other pages
 * are looked at, connects again by itself, and ends with the login.
 *
 *   off ──connect──> connecting ──CONNACK──> connected
 *                      ^   └────── lost ───────┘ │
 *                      └─── waiting (1 s … 30 s) ┘      refused: why, and nothing more until somebody asks
 *
 * @module
 */
import { effect, signal } from '@preact/signals'
import type { SubscriptionRequest } from '../../../src/codec/packets.ts'
import { reasonCodes } from '../../../src/codec/reason-code.ts'
import { KEY_PROTOCOL, TOKEN_PROTOCOL } from '../../../src/admin/console/console-protocols.ts'
import { request, ApiProblem } from '../api/client.ts'
import { authorization, login } from '../api/credentials.ts'
import { may } from '../api/logins.ts'
import { consoleTexts as own } from '../console-texts.ts'
import { MessageList, type ConsoleMessage } from './message-list.ts'
import { KEEP_ALIVE_SECONDS, MqttClient, type Acknowledgement, type OutgoingMessage } from './mqtt-client.ts'

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 30_000
/** A flood of messages is shown a few times a second. */
const SHOW_MS = 250
/** The login counts as used while somebody looks at the console. */
const USED_MS = 60_000
/** As a problem of the API: all is well, but no WebSocket has come about. */
const UPGRADE = 'ERR_UPGRADE'

export type Status =
  | { readonly name: 'off' | 'connecting' }
  | { readonly name: 'connected'; readonly clientId: string }
  | { readonly name: 'waiting'; readonly why: string; readonly seconds: number }
  | { readonly name: 'refused'; readonly why: string }

export interface ConsoleSubscription extends SubscriptionRequest {
  readonly subscriptionIdentifier: number
  /** `undefined` while there is no answer. */
  readonly answer: Acknowledgement | undefined
}

export const LIMITS = [100, 500, 1000, 5000] as const

export const status = signal<Status>({ name: 'off' })
export const subscriptions = signal<readonly ConsoleSubscription[]>([])
export const messages = signal<readonly ConsoleMessage[]>([])
export const received = signal(0)
/** Those that came while the list stands still. */
export const unseen = signal(0)
export const isPaused = signal(false)
export const limit = signal<number>(LIMITS[1])

const list = new MessageList(limit.value)
let client: MqttClient | undefined
let socket: WebSocket | undefined
let retry: ReturnType<typeof setTimeout> | undefined
let pings: ReturnType<typeof setInterval> | undefined
let show: ReturnType<typeof setTimeout> | undefined
let pauseMs = FIRST_PAUSE_MS
let lastIdentifier = 0
let shownUpTo = 0
/** What DISCONNECT or CONNACK has said. */
let lastWords: string | undefined

effect(() => {
  if (login.value === 'needed') forget()
})

export function connect(): void {
  clearTimeout(retry)
  if (socket !== undefined) return
  if (!may('publish')) {
    status.value = { name: 'refused', why: own.needsOperator }
    return
  }
  status.value = { name: 'connecting' }
  lastWords = undefined
  const opened = new WebSocket(addressOf(), protocolsOf())
  const mqtt = new MqttClient({
    write: (bytes) => {
      if (opened.readyState === WebSocket.OPEN) opened.send(bytes)
    },
    answered: (code, properties) => (code === 0 ? connected(mqtt) : ended(code, properties)),
    received: (message) => {
      list.add(message, Date.now())
      showSoon()
    },
    disconnected: ended,
  })
  opened.binaryType = 'arraybuffer'
  opened.addEventListener('open', () => mqtt.connect())
  opened.addEventListener('message', ({ data }) => take(mqtt, opened, data))
  opened.addEventListener('close', () => {
    if (socket === opened) void lost()
  })
  ;[socket, client] = [opened, mqtt]
}

function take(mqtt: MqttClient, from: WebSocket, data: unknown): void {
  try {
    mqtt.receive(new Uint8Array(data as ArrayBuffer))
  } catch (error) {
    lastWords = (error as Error).message
    from.close()
  }
}

export function disconnect(): void {
  clearTimeout(retry)
  client?.disconnect()
  close()
  status.value = { name: 'off' }
}

function close(): void {
  const [before, mqtt] = [socket, client]
  socket = client = undefined
  clearInterval(pings)
  before?.close()
  mqtt?.lost()
}

/** The next to log in sees nothing of it. */
function forget(): void {
  disconnect()
  subscriptions.value = []
  isPaused.value = false
  clear()
}

function addressOf(): string {
  const address = new URL('api/v1/console', document.baseURI)
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
  address.hash = ''
  return address.href
}

/** A page adds no header to a WebSocket. */
function protocolsOf(): string[] {
  const { Authorization: key, 'Sluice-Request-Token': token } = authorization()
  if (key !== undefined) return ['mqtt', KEY_PROTOCOL + key.replace('Bearer ', '')]
  return token === undefined ? ['mqtt'] : ['mqtt', TOKEN_PROTOCOL + token]
}

function connected(mqtt: MqttClient): void {
  const { assignedClientIdentifier: clientId = '', serverKeepAlive = KEEP_ALIVE_SECONDS } = mqtt.announced
  pauseMs = FIRST_PAUSE_MS
  pings = setInterval(() => mqtt.ping(), (serverKeepAlive / 2) * 1000)
  status.value = { name: 'connected', clientId }
  for (const subscription of subscriptions.value) void ask(subscription)
}

function ended(code: number, { reasonString }: { readonly reasonString?: string | undefined }): void {
  lastWords = own.ended(nameOf(code), reasonString)
}

/** A browser does not say why a WebSocket failed; the API does. */
async function lost(): Promise<void> {
  close()
  subscriptions.value = subscriptions.value.map((each) => ({ ...each, answer: undefined }))
  const { isFinal, why } = await whyNot()
  if (socket !== undefined || status.value.name === 'off') return
  if (isFinal) {
    status.value = { name: 'refused', why }
    return
  }
  status.value = { name: 'waiting', why, seconds: Math.round(pauseMs / 1000) }
  retry = setTimeout(connect, pauseMs)
  pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
}

async function whyNot(): Promise<{ readonly isFinal: boolean; readonly why: string }> {
  try {
    await request('api/v1/console', {})
  } catch (error) {
    if (!(error instanceof ApiProblem)) return { isFinal: false, why: String(error) }
    if (error.code === UPGRADE) return { isFinal: false, why: lastWords ?? own.noSocket }
    // The network, or a broker that starts, may be there again.
    return { isFinal: error.status >= 400 && error.status < 500, why: lastWords ?? error.message }
  }
  return { isFinal: false, why: own.noSocket }
}

function showSoon(): void {
  show ??= setTimeout(() => {
    show = undefined
    showNow()
  }, SHOW_MS)
}

function showNow(): void {
  received.value = list.received
  if (!isPaused.value) [messages.value, shownUpTo] = [list.newest, list.received]
  unseen.value = list.received - shownUpTo
}

export function pause(paused: boolean): void {
  isPaused.value = paused
  showNow()
}

export function clear(): void {
  list.clear()
  ;[messages.value, shownUpTo] = [[], 0]
  showNow()
}

export function setLimit(most: number): void {
  limit.value = most
  list.limit = most
  showNow()
}

/** Subscribes now, and after each loss of the connection. One with the same topic filter is replaced. */
export function subscribe(wanted: SubscriptionRequest): void {
  const before = subscriptions.value.find(({ topicFilter }) => topicFilter === wanted.topicFilter)
  const subscriptionIdentifier = before?.subscriptionIdentifier ?? ++lastIdentifier
  const subscription = { ...wanted, subscriptionIdentifier, answer: undefined }
  subscriptions.value = [...subscriptions.value.filter((each) => each !== before), subscription]
  void ask(subscription)
}

async function ask(subscription: ConsoleSubscription): Promise<void> {
  if (client === undefined || status.value.name !== 'connected') return
  const { subscriptionIdentifierAvailable: isAvailable = 1 } = client.announced
  const identifier = isAvailable === 1 ? subscription.subscriptionIdentifier : undefined
  const answer = await client.subscribe(subscription, identifier).catch(() => undefined)
  const { topicFilter } = subscription
  subscriptions.value = subscriptions.value.map((each) =>
    each.topicFilter === topicFilter ? { ...each, answer } : each,
  )
}

export async function unsubscribe({ topicFilter }: ConsoleSubscription): Promise<void> {
  subscriptions.value = subscriptions.value.filter((each) => each.topicFilter !== topicFilter)
  await client?.unsubscribe(topicFilter).catch(() => undefined)
}

/** @throws {Error} with a sentence */
export function publish(message: OutgoingMessage): Promise<Acknowledgement> {
  return client?.publish(message) ?? Promise.reject(new Error(own.notConnected))
}

/** Called while the console is looked at. @returns what ends that */
export function keepLoginUsed(): () => void {
  const timer = setInterval(() => {
    if (!document.hidden) void request('api/v1/login', {}).catch(() => undefined)
  }, USED_MS)
  return () => clearInterval(timer)
}

/** The standard's name of a Reason Code. */
export function nameOf(code: number, packet?: 'SUBACK'): string {
  const row = reasonCodes.find((each) => each.code === code)
  const name = (packet && row?.nameIn[packet]) ?? row?.name ?? ''
  return `${name} (0x${code.toString(16).padStart(2, '0')})`
}
