/** How inputs in S3 went to Wiro, if its project refuses uploads. */
export interface OtherHandover {
  /** In the body of the Run (`multipart`), or by links (`presigned`). */
  readonly by: 'multipart' | 'presigned';
  /** `false` for links without a version: if the object was replaced before Wiro fetched it, Wiro got the new one. */
  readonly isPinned: boolean;
}
