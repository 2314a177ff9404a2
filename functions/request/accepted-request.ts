/** What was asked for, as accepted: immutable, with what each input was at that moment. */
export interface AcceptedRequest {
  readonly model: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, readonly AcceptedInput[]>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Where the end of this generation is added, for one that came in a file of requests. */
  readonly results?: ResultsPlace;
}

export type AcceptedInput = AcceptedUrl | AcceptedObject;

export interface AcceptedUrl {
  readonly kind: 'url';
  /** As the request said it. */
  readonly text: string;
  readonly url: string;
}

/** An object as it lay in S3 at acceptance: another ETag later is another input. */
export interface AcceptedObject {
  readonly kind: 'object';
  readonly text: string;
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly contentType?: string;
  /** Where its bucket keeps versions. */
  readonly versionId?: string;
  /** Over the whole of its bytes, where S3 has one: the same bytes under another ETag are the same input. */
  readonly checksum?: string;
}

export interface ResultsPlace {
  readonly bucket: string;
  readonly key: string;
  /** Which request of the file, from 0. */
  readonly index: number;
  /** How many generations the file asks for. Not known of one that an earlier release accepted. */
  readonly total?: number;
}
