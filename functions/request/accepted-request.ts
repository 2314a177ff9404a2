import type { Price } from './price.ts';

/** Something that seems wrong with a request but does not prevent its acceptance. */
export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
  /** What it concerns, as a path into the request. */
  readonly field?: string;
}

export type WarningCode =
  // The model does not list this parameter.
  | 'unknown_parameter'
  // The estimated price exceeds `maxCostUsd`.
  | 'price_may_be_higher'
  // The request has a `maxCostUsd`, but its price is unknown.
  | 'price_unknown';

/** A request as accepted. Immutable: each input is recorded as it was at acceptance. */
export interface AcceptedRequest {
  readonly model: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, readonly AcceptedInput[]>>;
  readonly labels: Readonly<Record<string, string>>;
  /** What it was expected to cost, in USD. Absent if unknown, or if an earlier release accepted it. */
  readonly priceUsd?: number;
  readonly priceCertainty?: Price['certainty'];
  /** What seemed wrong with it but did not prevent acceptance. */
  readonly warnings?: readonly Warning[];
  /** Wiro's schema of the model was unavailable, so the parameters were not checked. */
  readonly schemaUnchecked?: true;
  /** The results file that receives the end of this generation, if a request file requested it. */
  readonly results?: ResultsPlace;
}

export type AcceptedInput = AcceptedUrl | AcceptedObject;

export interface AcceptedUrl {
  readonly kind: 'url';
  /** The source as written in the request. */
  readonly text: string;
  readonly url: string;
}

/** An object in S3 as it was at acceptance. A different ETag later means a different input. */
export interface AcceptedObject {
  readonly kind: 'object';
  readonly text: string;
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly contentType?: string;
  /** Present if the bucket keeps versions. */
  readonly versionId?: string;
  /** S3's checksum over all bytes, if it has one. The same bytes under another ETag are the same input. */
  readonly checksum?: string;
}

export interface ResultsPlace {
  readonly bucket: string;
  readonly key: string;
  /** The index of the request in its file, from 0. */
  readonly index: number;
  /** The number of requests in the file. Absent if an earlier release accepted it. */
  readonly total?: number;
}
