/** Prefixes of keys in the input bucket, unless noted otherwise. */
export const PREFIX = {
  requests: 'requests/',
  /** One folder per preset. */
  uploads: 'uploads/',
  /** Inputs that were uploaded through the API: they expire. */
  temporaryInputs: 'inputs/temporary/',
  results: 'results/',
  rejected: 'rejected/',
  /** In the output bucket. */
  outputs: 'outputs/',
  /** In the output bucket: requests that are too large for the table. */
  largeRequests: 'large-requests/',
} as const;
