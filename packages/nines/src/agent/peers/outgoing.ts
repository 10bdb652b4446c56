/** The one connection over which this agent speaks to another: made again as often as it is needed, never waited for. */
import { connect, type TLSSocket } from 'node:tls';
import type { PeerTls } from './create-peers.ts';

/** More than this unsent: the other does not read, and what it would read later is old. */
const MAX_UNSENT_BYTES = 256 * 1024;
/** How often it is looked after, and an empty line sent that the other answers. */
const CARE_MS = 200;
/** Without an answer for this long it is made anew: TCP's own patience with a link that was cut is minutes. */
const MUTE_MS = 1_000;
/** From the first packet to the end of the handshake. A SYN that was lost is sent again only after 1 s. */
const CONNECT_MS = 700;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 500;

export interface OutgoingOptions {
  host: string;
  port: number;
  tls: PeerTls;
  /** Null: the host is not of the cluster any more. */
  address(): string | null;
  log(message: string): void;
}

export class Outgoing {
  private readonly options: OutgoingOptions;
  private socket: TLSSocket | null = null;
  private isReady = false;
  private failures = 0;
  private startedMs = 0;
  private answeredMs = 0;
  private caredMs = performance.now();
  private retry: NodeJS.Timeout | null = null;
  private readonly care: NodeJS.Timeout;
  private isClosed = false;

  constructor(options: OutgoingOptions) {
    this.options = options;
    this.care = setInterval(() => this.lookAfter(), CARE_MS);
    this.care.unref();
    this.connect();
  }

  send(line: string): void {
    const { socket } = this;
    if (!this.isReady || socket === null || socket.writableLength > MAX_UNSENT_BYTES) return;
    socket.write(line);
  }

  close(): void {
    this.isClosed = true;
    clearInterval(this.care);
    if (this.retry !== null) clearTimeout(this.retry);
    this.socket?.destroy();
  }

  private connect(): void {
    const address = this.options.address();
    if (address === null) return this.again();
    const { host, port, tls } = this.options;
    // Its certificate has the host's name; which address it has at the moment proves nothing.
    const socket = connect({ host: address, port, ...tls, servername: host, minVersion: 'TLSv1.3' });
    this.socket = socket;
    this.startedMs = performance.now();
    socket.setNoDelay(true);
    socket.once('secureConnect', () => this.ready(socket));
    socket.on('data', () => {
      this.answeredMs = performance.now();
    });
    socket.on('error', () => undefined); // 'close' follows.
    socket.once('close', () => this.lost(socket));
  }

  private ready(socket: TLSSocket): void {
    // Other programs of that host have certificates with its name as well.
    if (socket.getPeerCertificate().subject?.OU !== 'agent') {
      this.options.log(`what answers for ${this.options.host} is no agent`);
      socket.destroy();
      return;
    }
    this.isReady = true;
    this.failures = 0;
    this.answeredMs = performance.now();
    this.options.log(`speaks to ${this.options.host}`);
  }

  private lost(socket: TLSSocket): void {
    if (this.socket !== socket) return;
    if (this.isReady) this.options.log(`does not reach ${this.options.host} any more`);
    this.socket = null;
    this.isReady = false;
    this.again();
  }

  /** By chance, so that hosts which lost each other together do not call each other at the same moment for ever. */
  private again(): void {
    if (this.isClosed) return;
    const fullMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(this.failures, 10));
    this.failures++;
    this.retry = setTimeout(() => this.connect(), (fullMs / 2) * (1 + Math.random()));
    this.retry.unref();
  }

  private lookAfter(): void {
    const nowMs = performance.now();
    const isLate = nowMs - this.caredMs > 2 * CARE_MS;
    this.caredMs = nowMs;
    const { socket } = this;
    if (socket === null) return;
    // This agent was the one that stood still: what has come meanwhile is read before the next look.
    if (isLate) {
      this.answeredMs = nowMs;
      this.startedMs = nowMs;
    }
    if (this.isReady ? nowMs - this.answeredMs > MUTE_MS : nowMs - this.startedMs > CONNECT_MS) socket.destroy();
    else this.send('\n');
  }
}
