import { NinesError } from '../errors/errors.ts';

/** No member answered in time; nothing was changed. */
export class StoreUnavailableError extends NinesError {
  constructor(message: string, cause?: unknown) {
    super('E_STORE_UNAVAILABLE', message, { cause });
  }
}

/** A write was sent and its outcome is not known: it may have happened, or may still happen. Read the key again before you decide. */
export class StoreUnknownError extends NinesError {
  constructor(message: string, cause?: unknown) {
    super('E_STORE_UNKNOWN', message, { cause });
  }
}

/** etcd answered and refused; nothing was changed. */
export class StoreRefusedError extends NinesError {
  /** gRPC status code, e.g. 8 when the database is full, 9 for a precondition of a membership change. */
  readonly grpcCode: number;

  constructor(message: string, grpcCode: number, cause?: unknown) {
    super('E_STORE_REFUSED', message, { cause });
    this.grpcCode = grpcCode;
  }
}

/** The lease ran out or was revoked; nothing was written. */
export class StoreLeaseLostError extends NinesError {
  constructor(message: string, cause?: unknown) {
    super('E_STORE_LEASE_LOST', message, { cause });
  }
}
