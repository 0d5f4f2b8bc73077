import type { TemplateResource } from './templates.ts'

/** Something that must not be deployed. */
export interface Finding {
  readonly resource: TemplateResource
  /** The property at fault, where there is one. */
  readonly property?: string
  /** What is wrong with the value received and what to change. */
  readonly message: string
}
