/** MQTT.js as a Client, and a browser's way to open a WebSocket. @module */
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { WebSocket, type ClientOptions } from 'ws'

/** A Client that is connected; the error of one that is not. */
export async function dial(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = connect(url, { reconnectPeriod: 0, connectTimeout: 5000, clientId: '', ...options })
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void => {
      client.end(true)
      reject(error)
    }
    client.once('connect', () => {
      client.removeAllListeners()
      // What ends a Connection later shows in what the test waits for.
      client.on('error', () => {})
      resolve(client)
    })
    client.once('error', refuse)
    client.once('close', () => refuse(new Error('closed')))
  })
}

/** The payload of the next message that a Client receives. */
export function nextPayload(client: MqttClient): Promise<string> {
  return new Promise((resolve) => {
    client.once('message', (_topic, payload) => resolve(payload.toString()))
  })
}

/** Sends a message to itself with QoS 1, and says what came back. */
export async function echo(url: string, options: IClientOptions, topicName: string, payload: string): Promise<string> {
  const client = await dial(url, options)
  await client.subscribeAsync(topicName, { qos: 1 })
  const received = nextPayload(client)
  await client.publishAsync(topicName, payload, { qos: 1 })
  const answer = await received
  await client.endAsync()
  return answer
}

/** What a page of that origin gets when it opens a WebSocket: 101, or the HTTP status of the refusal. */
export function openFrom(origin: string, url: string, options: ClientOptions = {}): Promise<number> {
  const socket = new WebSocket(url, ['mqtt'], { ...options, origin })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('open', () => {
      socket.terminate()
      resolve(101)
    })
    socket.once('unexpected-response', (request, response) => {
      request.destroy()
      resolve(response.statusCode ?? 0)
    })
  })
}
