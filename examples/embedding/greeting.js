// A broker inside a program, in plain JavaScript:   node examples/embedding/greeting.js
import { createBroker } from 'sluice'

const broker = await createBroker({ listeners: { default: { bind: '127.0.0.1:1883' } } })
for (const { name, url } of broker.listeners) console.log(`listener ${name}: ${url}`)

broker.on('clientConnected', ({ client }) => console.log(`${client.clientId} came from ${client.address}`))
broker.on('clientDisconnected', ({ client }) => console.log(`${client.clientId} left`))

// Whoever subscribes to `greeting` gets this one at once, also later.
await broker.publish('greeting', 'good morning', { qos: 1, retain: true })

process.once('SIGINT', () => void broker.close())
