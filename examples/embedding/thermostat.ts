// The host program takes part as a subscriber and a publisher; the scope closes the broker. Compile it as any
// TypeScript.
import { createBroker } from 'sluice'

await using broker = await createBroker({ listeners: { default: { bind: '127.0.0.1:1883' } } })

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

for await (const { topic, payload } of broker.subscribe('rooms/+/temperature', { signal: stop.signal })) {
  const room = topic.split('/')[1]
  const celsius = Number(Buffer.from(payload).toString())
  await broker.publish(`rooms/${room}/heating`, celsius < 19 ? 'on' : 'off', { qos: 1, retain: true })
}
