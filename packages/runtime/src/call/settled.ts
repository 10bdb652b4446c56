/** Promises of what is there already, without the promises that an async function makes besides. */

export const rejected = (error: Error): Promise<never> => Promise.reject(error);

/** What `work(given)` returns or throws, as a promise. One that it returns is passed on as it is. */
export function settled<Given, Result>(work: (given: Given) => PromiseLike<Result> | Result, given: Given): Promise<Result> {
  try {
    return Promise.resolve(work(given));
  } catch (error) {
    return rejected(error as Error);
  }
}
