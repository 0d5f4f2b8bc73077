import { type App, Stack, Validations } from 'aws-cdk-lib'
import { Guardrails } from '#lib/guardrails/guardrails.ts'
import { tagAll } from '#lib/stacks/tag-all.ts'
import { cellTags } from '#lib/topology/tags.ts'
import { defineTopology } from '#lib/topology/topology.ts'
import { newApp } from './synth.ts'

const topology = defineTopology()
/** Every tag that a resource has to carry. */
export const tagging = cellTags(topology, topology.cells[0]!)

/** What the guardrails say about a stack with planted resources; nothing if they let it pass. */
export function findings(plant: (stack: Stack, app: App) => void): string {
  const app = newApp()
  Validations.of(app).addPlugins(new Guardrails())
  const stack = new Stack(app, 'Planted', { env: { region: 'us-east-1' } })
  tagAll(stack, tagging)
  plant(stack, app)
  try {
    app.synth()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
