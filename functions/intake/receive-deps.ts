import type { KnownRequest } from '../events/report-known.ts';
import type { JsonObjects } from '../objects/json-object.ts';
import type { InputStore } from '../objects/types.ts';
import type { ResultsPlace } from '../request/accepted-request.ts';
import type { Presets } from '../request/preset.ts';
import type { DeliveryStore } from '../store/delivery-store.ts';
import type { AcceptFileDeps } from './accept-request-file.ts';
import type { ReceiveUploadDeps } from './receive-upload.ts';

export interface ReceiveObjectsDeps extends AcceptFileDeps, ReceiveUploadDeps {
  readonly presets: Presets;
  readonly inputs: Pick<InputStore, 'head' | 'open'>;
  readonly deliveries: DeliveryStore;
  readonly rejections: Pick<JsonObjects, 'read' | 'write' | 'writePage' | 'remove' | 'update'>;
  readonly inputBucket: string;
  readonly submit: (id: string) => Promise<void>;
  readonly remainingMs: () => number;
  /** Adds generations that an earlier file brought to the results file. */
  readonly reportKnown: (
    results: Omit<ResultsPlace, 'index'>,
    repeated: readonly KnownRequest[],
  ) => Promise<void>;
}
