export { type Problem, UnreachableError, WiroServerlessError } from './api-error.ts';
export type {
  DryRun,
  ErrorCode,
  Generation,
  GenerationError,
  GenerationRequest,
  GenerationRow,
  Model,
  ModelParameter,
  ModelRow,
  Output,
  Price,
  Source,
  Status,
  Timeline,
  TimelineEntry,
  Upload,
  Usage,
  UsageDay,
  WaitingFor,
  Warning,
} from './api-types.ts';
export {
  type CallOptions,
  type Client,
  type ClientOptions,
  createClient,
  type Submission,
  type UploadOptions,
} from './client.ts';
export { ChecksumError } from './download.ts';
export type { ListModelsOptions, ListOptions } from './list.ts';
export type { Credentials } from './sign.ts';
export type { Segment, TaskMessage, TaskStage } from './task-message.ts';
export type { UsageOptions } from './usage.ts';
export { hasEnded, type WaitOptions } from './wait.ts';
