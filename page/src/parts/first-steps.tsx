/** What to type where there is nothing yet, with the addresses of this broker. @module */
import type { JSX } from 'preact'
import { useView } from '../state/view.ts'
import { texts } from '../texts.ts'
import { Command } from './command.tsx'

export function FirstSteps(): JSX.Element {
  const place = usePlace()
  return (
    <>
      <p>{texts.empty.clients}</p>
      {place && (
        <>
          <Command text={texts.empty.subscribe(place.host, place.port)} />
          <Command text={texts.empty.publish(place.host, place.port)} />
          <p>{texts.empty.pingNote}</p>
          <Command text={texts.empty.ping(place.url)} />
        </>
      )}
    </>
  )
}

export function FirstRetained(): JSX.Element {
  const place = usePlace()
  return (
    <>
      <p>{texts.empty.retained}</p>
      {place && <Command text={texts.empty.retain(place.host, place.port)} />}
    </>
  )
}

interface Place {
  readonly host: string
  readonly port: number
  readonly url: string
}

/** The first listener for plain MQTT; one that is bound to every address is reached by the name that this page was. */
function usePlace(): Place | undefined {
  const { value } = useView('listeners', {}, 0)
  const listener = value?.find(({ url }) => url.startsWith('mqtt:'))
  if (listener?.port === undefined) return undefined
  const { port, address } = listener
  const host = address === '::' || address === '0.0.0.0' ? location.hostname : address
  return { host, port, url: `mqtt://${host.includes(':') ? `[${host}]` : host}:${port}` }
}
