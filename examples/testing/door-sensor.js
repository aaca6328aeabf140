/** The device under test: a sensor that tells whether a door is open, and lets the broker tell when it is lost. */
import mqtt from 'mqtt'

export class DoorSensor {
  #client

  /**
   * @param {string} door
   * @param {() => import('node:stream').Duplex} connect makes a connection to the broker
   */
  constructor(door, connect) {
    this.topic = `doors/${door}`
    this.#client = new mqtt.MqttClient(connect, {
      clientId: `door-${door}`,
      protocolVersion: 5,
      keepalive: 30,
      reconnectPeriod: 0,
      // The Session outlives the connection by a minute: the Will may wait no longer than that.
      properties: { sessionExpiryInterval: 60 },
      will: {
        topic: `${this.topic}/status`,
        payload: Buffer.from('lost'),
        qos: 1,
        retain: true,
        properties: { willDelayInterval: 10 },
      },
    })
  }

  ready() {
    return new Promise((resolve) => this.#client.once('connect', resolve))
  }

  async report(state) {
    const properties = { messageExpiryInterval: 3600 }
    await this.#client.publishAsync(`${this.topic}/state`, state, { qos: 1, retain: true, properties })
  }

  stop() {
    this.#client.end(true)
  }
}
