/**
 * Says to others that somebody is at work for long, so that they need not do the same beside him. Nothing depends on it being
 * right: two at once add nothing twice, they only share the work as often as they meet.
 */
export interface BusySign {
  /** Whether somebody has said so lately. */
  isUp(): Promise<boolean>
  /** Does the work, and says so once it has gone on for a while. Its answer or error is the work's own. */
  during<Result>(work: () => Promise<Result>): Promise<Result>
}
