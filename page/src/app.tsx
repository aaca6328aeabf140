/** Which page is shown. @module */
import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { ApiProblem } from './api/client.ts'
import { login } from './api/credentials.ts'
import { logInAtStart, logOut } from './api/logins.ts'
import { PageFrame } from './parts/basics.tsx'
import { Dialogs } from './parts/dialog.tsx'
import { lazily } from './parts/lazily.tsx'
import { Shell } from './parts/shell.tsx'
import { Bridges } from './pages/bridges.tsx'
import { ClientPage } from './pages/client.tsx'
import { Clients } from './pages/clients.tsx'
import { Configuration } from './pages/configuration.tsx'
import { Listeners } from './pages/listeners.tsx'
import { Log } from './pages/log.tsx'
import { Login } from './pages/login.tsx'
import { Overview } from './pages/overview.tsx'
import { Retained } from './pages/retained.tsx'
import { Subscriptions } from './pages/subscriptions.tsx'
import { Topics } from './pages/topics.tsx'
import { Traces } from './pages/traces.tsx'
import { Why } from './pages/why.tsx'
import { route } from './state/route.ts'
import { problemOf } from './state/view.ts'
import { texts } from './texts.ts'

const Access = lazily(async () => (await import('./pages/access.tsx')).Access)
/** With the tables of MQTT, which name packets, properties and Reason Codes. */
const Console = lazily(async () => (await import('./console/console.tsx')).Console)
const Trace = lazily(async () => (await import('./pages/trace/trace.tsx')).Trace)

const PAGES: Readonly<Record<keyof typeof texts.pages, ComponentType>> = {
  overview: Overview,
  clients: Clients,
  topics: Topics,
  retained: Retained,
  subscriptions: Subscriptions,
  trace: Traces,
  why: Why,
  listeners: Listeners,
  bridges: Bridges,
  access: Access,
  configuration: Configuration,
  log: Log,
  console: Console,
}

export function App(): JSX.Element {
  const [refused, setRefused] = useState<ApiProblem>()
  useEffect(() => {
    void logInAtStart().then((error) => error !== undefined && setRefused(problemOf(error)))
  }, [])
  if (login.value === 'unknown') return <p class="quiet">{texts.loading}</p>
  return (
    <>
      {login.value === 'needed' ? (
        <Login key={refused?.message} refused={refused} />
      ) : (
        <Shell logOut={() => void logOut()}>
          <Current />
        </Shell>
      )}
      <Dialogs />
    </>
  )
}

function Current(): JSX.Element {
  const [place = '', name] = route.value
  if (place === 'clients' && name !== undefined) return <ClientPage key={name} clientId={name} />
  if (place === 'trace' && name !== undefined) return <Trace key={name} traceId={name} />
  const Page = Object.hasOwn(PAGES, place) ? PAGES[place as keyof typeof PAGES] : undefined
  return Page === undefined ? <PageFrame title={texts.notFound}>{null}</PageFrame> : <Page />
}
