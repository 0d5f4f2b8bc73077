import type { FieldPlan } from './field-plan.ts'

/**
 * One way in which a producer writes events: the order of the members, the spacing, the constants, all byte for
 * byte. Code made from it reads such events straight through, and gives up at the first other byte.
 */
export interface Layout {
  readonly steps: readonly Step[]
  /** Members of `data` that the contract does not know: an event that fits has exactly these. */
  readonly unknownNames: readonly string[]
}

export type Step =
  /** Must be there. */
  | { readonly kind: 'literal'; readonly bytes: Uint8Array }
  /** May be left out. */
  | { readonly kind: 'maybe'; readonly bytes: Uint8Array }
  /** The string behind the opening quote. */
  | { readonly kind: 'identity'; readonly name: 'id' | 'source' }
  /**
   * A field of the contract, whose key stands in `key`. Without one the key was part of the literal before it;
   * with one the member may be absent.
   */
  | { readonly kind: 'field'; readonly plan: FieldPlan; readonly key?: Uint8Array }
  /** A value that nobody needs: of a string, from behind its opening quote. */
  | { readonly kind: 'skip'; readonly isString: boolean }

/** How events look that Weir's own producer, and most, write: the contract's order and no space. */
export function usualLayout(eventType: string, plans: readonly FieldPlan[]): Layout {
  const steps: Step[] = [
    literal('{"specversion":"1.0","id":"'),
    { kind: 'identity', name: 'id' },
    literal(',"source":"'),
    { kind: 'identity', name: 'source' },
    literal(`,"type":${JSON.stringify(eventType)}`),
    { kind: 'maybe', bytes: Buffer.from(',"datacontenttype":"application/json"') },
    literal(',"data":{'),
  ]
  plans.forEach((plan, position) => {
    const key = `${position === 0 ? '' : ','}${JSON.stringify(plan.field.name)}:`
    // Whether the first member is there decides about commas: that it is, is part of the layout.
    if (plan.field.required || position === 0) steps.push(literal(key), { kind: 'field', plan })
    else steps.push({ kind: 'field', plan, key: Buffer.from(key) })
  })
  steps.push(literal('}}'))
  return { steps, unknownNames: [] }
}

function literal(text: string): Step {
  return { kind: 'literal', bytes: Buffer.from(text) }
}
