// What the package exports. These names, and their members, are a contract: see docs/construct.md.
export type { FunctionName } from '../functions/functions.ts';
export type { Preset, Presets } from '../functions/generation/preset.ts';
export type { MetricName } from '../functions/metrics.ts';
export type { Durations } from '../functions/settings.ts';
export { ConfigurationError } from './configuration-error.ts';
export { GenerationTable, type GenerationTableProps } from './generation-table.ts';
export { Observability, type ObservabilityLevel } from './observability.ts';
export { type ParametersOptions, WiroCredentials } from './wiro-credentials.ts';
export type { FunctionCode } from './wiro-function.ts';
export { WiroGenerations } from './wiro-generations.ts';
export type { WiroGenerationsProps } from './wiro-generations-props.ts';
