/** The machine lacks something: exit code 3, as of every command of Nines. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

export const EXIT_ENVIRONMENT = 3;
