/** What the main thread and the link's thread say to each other. */
import type { CaptureErrorCode } from './capture-error.js';
import type { LinkEnd } from './link-recording.js';

export interface LinkWorkerData {
  readonly settings: Float64Array<SharedArrayBuffer>;
  readonly counts: Float64Array<SharedArrayBuffer>;
  /** One number: goes up with each message to the link's thread. */
  readonly messagesSent: Int32Array<SharedArrayBuffer>;
  readonly seed: number;
  readonly device: string;
  readonly address: string;
}

export type LinkToWorker =
  | { readonly kind: 'record'; readonly id: number; readonly end: LinkEnd; readonly counts: Float64Array<SharedArrayBuffer> }
  | { readonly kind: 'end-recording'; readonly id: number }
  | { readonly kind: 'close' };

export type LinkToMain =
  | { readonly kind: 'up' }
  | { readonly kind: 'failed'; readonly code: CaptureErrorCode; readonly message: string; readonly wayOut: string | null }
  | { readonly kind: 'piece'; readonly id: number; readonly piece: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'recorded'; readonly id: number }
  | { readonly kind: 'closed' };
