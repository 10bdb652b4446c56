/** A decision of one agent, or a note beside them: what `GET /v1/postgres/GROUP/decisions` says, as far as it matters here. */
export interface Milestone {
  /** Milliseconds since 1970. */
  atMs: number;
  host: string;
  /** Name of the rule; 'agent' for a note. */
  name: string;
  reason: string;
  /** Kind of the event that was decided about. */
  event: string;
  /** Kinds of the commands that followed. */
  commands: readonly string[];
}
