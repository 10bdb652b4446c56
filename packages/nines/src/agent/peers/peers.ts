/** How agents speak with each other: best effort, in order while a connection lives, never waiting. */

export interface Peers {
  /** Dropped when there is no connection, or one that does not take any more: whoever needs an answer asks again. */
  send(host: string, message: unknown): void;
  /** Of agents of this cluster only: by certificate, whose name is the host's. */
  onMessage(receive: (from: string, message: unknown) => void): void;
  close(): Promise<void>;
}
