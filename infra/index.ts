// The package's exports. Their names and members are a contract: see docs/construct.md.
export type { FunctionName } from '../functions/functions.ts';
export type { Preset, Presets } from '../functions/request/preset.ts';
export type { MetricName } from '../functions/runtime/metrics.ts';
export type { Durations } from '../functions/settings.ts';
export { ConfigurationError } from './checks/configuration-error.ts';
export { GenerationTable, type GenerationTableProps } from './construct/generation-table.ts';
export { WiroGenerations } from './construct/wiro-generations.ts';
export { Observability, type ObservabilityLevel } from './observability/observability.ts';
export { type ParametersOptions, WiroCredentials } from './wiro-credentials.ts';
export type { FunctionCode, WiroGenerationsProps } from './wiro-generations-props.ts';
