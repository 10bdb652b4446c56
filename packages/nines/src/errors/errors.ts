/** The one registry of errors. docs/reference/errors.md is checked against it by a test. */

/** Exit codes of every command. */
export const EXIT = { good: 0, failed: 1, usage: 2, environment: 3, undecided: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface ErrorKind {
  exit: ExitCode;
  /** What to do about it, one sentence. */
  hint: string;
}

export const ERRORS = {
  E_CONFIG_NOT_FOUND: { exit: EXIT.usage, hint: "Run 'nines init' or give the file with --config." },
  E_CONFIG_INVALID: { exit: EXIT.usage, hint: 'Correct the named fields; nothing was changed.' },
  E_FILE_EXISTS: { exit: EXIT.usage, hint: 'Choose an empty folder: nines init FOLDER.' },
  E_USAGE: { exit: EXIT.usage, hint: "See 'nines --help'." },
  E_ENGINE_MISSING: { exit: EXIT.environment, hint: "Run 'nines doctor': it prints the line that installs what is missing." },
  E_PERMISSION: { exit: EXIT.environment, hint: 'The lab makes network namespaces and mounts: run it as root.' },
  E_PORT_TAKEN: { exit: EXIT.environment, hint: 'Stop what holds the address, or choose another port in the topology.' },
  E_ADDRESS_TAKEN: {
    exit: EXIT.environment,
    hint: 'Take the addresses out of the topology, so that the lab chooses free ones, or give others.',
  },
  E_HOST_OFF: { exit: EXIT.failed, hint: 'Undo the fault that stopped it, or restart the host.' },
  E_DISK_FULL: { exit: EXIT.environment, hint: 'Free space on the named file system and run it again.' },
  E_LAB_EXISTS: { exit: EXIT.usage, hint: "Use 'nines apply' to change it or 'nines down' to remove it." },
  E_LAB_NOT_FOUND: { exit: EXIT.usage, hint: "Run 'nines up' first, or name the lab with --lab." },
  E_LAB_COMMAND: { exit: EXIT.environment, hint: "Run 'nines doctor'; what was half-made is removed by 'nines down'." },
  E_START_TIMEOUT: { exit: EXIT.failed, hint: "Read the named log; 'nines down' removes everything." },
  E_UNREACHABLE: { exit: EXIT.failed, hint: "The hosts did not answer in time; see 'nines status'." },
  E_NO_LEADER: { exit: EXIT.failed, hint: "Nobody is known to lead: 'nines explain' says what each member waits for." },
  E_ORDER_REFUSED: { exit: EXIT.failed, hint: "Nothing was changed; 'nines explain' says why it stands as it does." },
  E_ORDER_FAILED: { exit: EXIT.failed, hint: "See 'nines explain' for what came in between; it may be asked for again." },
  E_ORDER_UNKNOWN: { exit: EXIT.undecided, hint: "It may still happen: see 'nines status' and 'nines explain' before you ask again." },
  E_INTERRUPTED: { exit: EXIT.failed, hint: "What was begun is not taken back, except a lab that was coming up: see 'nines status'." },
  E_IDENTITY: { exit: EXIT.environment, hint: 'Restore the named file from a backup, or remove the folder to start a new identity.' },
  E_STORE_UNAVAILABLE: {
    exit: EXIT.failed,
    hint: 'No etcd member answered in time and nothing was changed: try again, see the etcd units in the status.',
  },
  E_STORE_UNKNOWN: { exit: EXIT.undecided, hint: 'The write may or may not have happened: read the key again before you decide.' },
  E_STORE_REFUSED: { exit: EXIT.failed, hint: 'etcd answered and refused; nothing was changed.' },
  E_STORE_LEASE_LOST: { exit: EXIT.failed, hint: 'The lease ran out or was revoked: grant a new one.' },
  E_DATA_FOREIGN: {
    exit: EXIT.failed,
    hint: 'Move the named folder away when its data is not needed; Nines never replaces data that it did not make.',
  },
  E_PROMISE_LOST: {
    exit: EXIT.failed,
    hint: 'This member must not vote: while another one leads, stop it and move its folder away; it is then copied anew.',
  },
  E_MEMBER_BUSY: { exit: EXIT.failed, hint: 'PostgreSQL does something else than what the order needs; it is looked at and decided anew.' },
  E_DATA_LOST: {
    exit: EXIT.failed,
    hint: 'Restore the named host from a backup or from the surviving copy; nothing was made in its place.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export interface NinesErrorOptions {
  cause?: unknown;
  /** Instead of the registry's, when more is known. */
  hint?: string;
  details?: readonly string[];
}

/** An error that a person can act on: a code of the registry, what happened, to what. Never carries a secret. */
export class NinesError extends Error {
  override readonly name = 'NinesError';
  readonly code: ErrorCode;
  readonly hint: string;
  readonly exit: ExitCode;
  /** One line for each thing that is wrong, when there may be several; the message has them too. */
  readonly details: readonly string[];

  constructor(code: ErrorCode, message: string, options: NinesErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? ERRORS[code].hint;
    this.exit = ERRORS[code].exit;
    this.details = options.details ?? [];
  }
}
