/** After a switch of generations an instance answers from the one before for so long at most. */
export const POINTER_LIFETIME_MS = 5_000
