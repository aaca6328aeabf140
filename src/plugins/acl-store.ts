/**
 * `acl.store`: roles and rules that operators set while the broker runs, and that are kept in its store.
 *
 *   rule of a role that applies    its effect, allow or deny: `role-rules.ts` has the order
 *   none, and the default allows   allow
 *   none, and the default denies   no opinion, so that another plugin may allow it
 *
 * A client receives what it may both receive and subscribe to: what it may no longer subscribe to ends at once, also on
 * a subscription that it has.
 *
 * @module
 */
import { Directory } from '../access/directory/directory.ts'
import type { RuleAction } from '../access/directory/entries.ts'
import type { ShippedContext } from '../access/directory/shipped-context.ts'
import type { Client, Explanation, Plugin, TopicQuestion } from '../access/plugin.ts'
import { RoleRules, type RoleRule } from './role-rules.ts'

export default function aclStore({ clock, directory }: ShippedContext): Plugin {
  return new AclStore(directory ?? new Directory(() => clock.wallNow()))
}

interface Verdict {
  readonly decision: Explanation['decision']
  readonly rule: string
}

class AclStore implements Plugin {
  readonly name = 'acl.store'
  readonly stable = true
  readonly #directory: Directory
  readonly #rules: RoleRules

  constructor(directory: Directory) {
    this.#directory = directory
    this.#rules = new RoleRules(directory)
  }

  mayPublish(client: Client, { topicName }: { readonly topicName: string }): boolean | undefined {
    return this.#answer('publish', this.#rules.find(client, 'publish', topicName))
  }

  maySubscribe(client: Client, topicFilter: string): boolean | undefined {
    return this.#answer('subscribe', this.#rules.findForFilter(client, topicFilter))
  }

  mayReceive(client: Client, topicName: string): boolean | undefined {
    const receives = this.#answer('receive', this.#rules.find(client, 'receive', topicName))
    if (receives !== true) return receives
    return this.#answer('subscribe', this.#rules.find(client, 'subscribe', topicName))
  }

  explain(question: TopicQuestion): Explanation {
    const { client, action, topic } = question
    if (action === 'publish') return this.#explained(client, 'publish', this.#rules.find(client, 'publish', topic))
    if (action === 'subscribe') return this.#explained(client, 'subscribe', this.#rules.findForFilter(client, topic))
    const receives = this.#explained(client, 'receive', this.#rules.find(client, 'receive', topic))
    if (receives.decision !== 'allow') return receives
    const subscribes = this.#explained(client, 'subscribe', this.#rules.find(client, 'subscribe', topic))
    const rule = `${receives.rule}, and ${subscribes.rule}`
    return subscribes.decision === 'allow' ? { ...subscribes, rule } : subscribes
  }

  #answer(action: RuleAction, found: RoleRule | undefined): boolean | undefined {
    if (found !== undefined) return found.rule.effect === 'allow'
    return this.#directory.defaults[action] === 'allow' ? true : undefined
  }

  #explained(client: Client, action: RuleAction, found: RoleRule | undefined): Explanation {
    return { plugin: this.name, ...this.#verdict(client, action, found) }
  }

  #verdict({ userName }: Client, action: RuleAction, found: RoleRule | undefined): Verdict {
    if (found !== undefined) return { decision: found.rule.effect, rule: found.topic.source }
    if (this.#directory.defaults[action] === 'allow') {
      return { decision: 'allow', rule: `the default access allows every client to ${action}` }
    }
    const who = userName ?? 'clients without a user name'
    const reason = userName === undefined || this.#directory.get('user', userName) !== undefined
    const rule = reason ? `no rule of a role of ${who} is about it` : `the store has no user ${who}`
    return { decision: 'no opinion', rule }
  }
}
