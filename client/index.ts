export { type Problem, WiroServerlessError } from './api-error.ts';
export type {
  ErrorCode,
  Generation,
  GenerationError,
  GenerationRequest,
  GenerationRow,
  Output,
  Source,
  Status,
  Upload,
  WaitingFor,
} from './api-types.ts';
export {
  type CallOptions,
  type Client,
  type ClientOptions,
  createClient,
  type UploadOptions,
} from './client.ts';
export { ChecksumError } from './download.ts';
export type { Credentials } from './http.ts';
export type { ListOptions } from './list.ts';
export type { Segment, TaskMessage, TaskStage } from './task-message.ts';
export { hasEnded, type WaitOptions } from './wait.ts';
