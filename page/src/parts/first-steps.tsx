/** What to type where there is nothing yet, with the addresses of this broker. @module */
import type { JSX } from 'preact'
import { linkTo } from '../state/route.ts'
import { useView } from '../state/view.ts'
import { texts } from '../texts.ts'
import { Command } from './command.tsx'
import { lazily } from './lazily.tsx'

/** Needed once in the life of a broker. */
const QrCode = lazily(async () => (await import('./qr.tsx')).QrCode)
const LOOPBACK = /^(?:127\.|localhost$|\[?::1\]?$)/

export function FirstSteps(): JSX.Element {
  const place = usePlace()
  return (
    <>
      <p>{texts.empty.clients}</p>
      {place && (
        <>
          <Command text={texts.empty.subscribe(place.options)} />
          <Command text={texts.empty.publish(place.options)} />
          <p>{texts.empty.pingNote}</p>
          <Command text={texts.empty.ping(place.url)} />
          {place.login !== '' && <LoginNote />}
          {LOOPBACK.test(place.host) ? (
            <p>{texts.empty.noPhone(place.host)}</p>
          ) : (
            <>
              <p>{texts.empty.phone(place.url)}</p>
              <QrCode url={place.url} />
            </>
          )}
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
      {place && <Command text={texts.empty.retain(place.options)} />}
    </>
  )
}

function LoginNote(): JSX.Element {
  return (
    <p>
      {texts.empty.loginNote} <a href={linkTo('access')}>{texts.pages.access}</a>.
    </p>
  )
}

interface Place {
  readonly host: string
  readonly url: string
  /** Options with which the tools of Mosquitto find it. */
  readonly options: string
  /** Empty where nobody needs to log in. */
  readonly login: string
}

/** The first listener for plain MQTT; one that is bound to every address is reached by the name that this page was. */
function usePlace(): Place | undefined {
  const { value } = useView('listeners', {}, 0)
  const listener = value?.find(({ url }) => url.startsWith('mqtt:'))
  if (listener?.port === undefined) return undefined
  const { port, address, admitsAnonymous } = listener
  const host = address === '::' || address === '0.0.0.0' ? location.hostname : address
  const login = admitsAnonymous ? '' : texts.empty.login
  const url = `mqtt://${host.includes(':') ? `[${host}]` : host}:${port}`
  return { host, url, login, options: `${texts.empty.place(host, port)}${login}` }
}
