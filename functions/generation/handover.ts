/** How inputs in S3 went to Wiro, where its project refuses uploads. */
export interface OtherHandover {
  /** In the body of the Run, or by links. */
  readonly by: 'multipart' | 'presigned';
  /** `false` for links that name no version: an object replaced before Wiro fetched it went in its place. */
  readonly isPinned: boolean;
}
