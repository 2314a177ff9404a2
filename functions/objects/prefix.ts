/** Where S3-triggered requests are put, and where their answers are left, all in the input bucket. */
export const PREFIX = {
  requests: 'requests/',
  /** One folder a preset. */
  uploads: 'uploads/',
  results: 'results/',
  rejected: 'rejected/',
  /** In the output bucket. */
  outputs: 'outputs/',
  /** Requests too large for the table, in the output bucket. */
  largeRequests: 'large-requests/',
} as const;
