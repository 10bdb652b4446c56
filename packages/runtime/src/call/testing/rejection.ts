/** What a call will reject with; listens from now on, so that it may be looked at when time has passed. */
export async function rejection(call: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await call;
  } catch (error) {
    return error;
  }
  throw new Error(`it was to reject, and resolved with ${String(value)}`);
}
