/** What S3 keeps and serves with an object. */
export interface StoredAs {
  readonly contentType: string;
  readonly contentDisposition?: string;
  /** Names and values are ASCII. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The headers of a request that stores an object. */
export const headersFor = ({
  contentType,
  contentDisposition,
  metadata = {},
}: StoredAs): Readonly<Record<string, string>> => ({
  'content-type': contentType,
  ...(contentDisposition !== undefined && { 'content-disposition': contentDisposition }),
  ...Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name.toLowerCase()}`, value]),
  ),
});
