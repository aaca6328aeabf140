/** The question what a client is to be subscribed to. @module */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { call } from '../api/client.ts'
import { Choice, Field } from '../parts/basics.tsx'
import { ask } from '../parts/dialog.tsx'
import { texts } from '../texts.ts'

const own = texts.client
const topicFilter = signal('')
const qos = signal<'0' | '1' | '2'>('0')

export function subscribeFor(clientId: string, reload: () => void): void {
  topicFilter.value = ''
  ask({
    title: own.subscribeTitle(clientId),
    body: <Fields />,
    action: own.subscribeAction,
    done: own.subscribed,
    run: async () => {
      const wanted = { topicFilter: topicFilter.value, qos: Number(qos.value) as 0 | 1 | 2 }
      await call('subscribeFor', { clientId, subscriptions: [wanted] })
      reload()
    },
  })
}

function Fields(): JSX.Element {
  return (
    <>
      <p>{own.subscribeBody}</p>
      <div class="filters">
        <Field
          label={texts.subscriptions.filter}
          value={topicFilter.value}
          onInput={(value) => (topicFilter.value = value)}
        />
        <Choice
          label={texts.topics.qos}
          value={qos.value}
          values={texts.qos}
          onChange={(value) => (qos.value = value)}
        />
      </div>
    </>
  )
}
