import { describe, expect, it } from 'vitest';
import * as exported from '../../infra/index.ts';
import { resourcesOf, synthesize } from './synthesize.ts';

// Changing one of these replaces the resource in every deployed stack. A table and buckets hold data; a bus carries
// other people's rules; callbacks under way know a Function URL; a parameter with the same name cannot be made before
// the old one is gone. So a change here is a new major version, with a way to move (docs/construct.md).
const LOGICAL_IDS = {
  'AWS::DynamoDB::Table': ['WiroTableD097676D'],
  'AWS::S3::Bucket': ['WiroInputsBucket16D08E2C', 'WiroOutputs3A085BAD'],
  'AWS::Events::EventBus': ['WiroEvents12B0D028'],
  'AWS::Lambda::Function': [
    'WiroApiFunction272B54C2',
    'WiroCallbackFunction0E5CF424',
    'WiroReconcileFunction641E68C3',
    'WiroSubmitFunctionFFFDBC93',
  ],
  'AWS::Lambda::Url': ['WiroApiFunctionFunctionUrl8AFF971B', 'WiroCallbackFunctionFunctionUrlD8DD01A7'],
  'AWS::Logs::LogGroup': [
    'WiroApiLogs6F67FE11',
    'WiroCallbackLogs80B7DD88',
    'WiroReconcileLogsBF9B6EAB',
    'WiroSubmitLogs3658D734',
  ],
  'AWS::SQS::Queue': ['WiroDeadLetters05DF18C5'],
  'AWS::SSM::Parameter': ['WiroCallbackBaseUrlACC0D77F', 'WiroCallbackFunction42411A77'],
};

describe('what must stay as it is from version to version', () => {
  it('are the logical ids of what holds data or has an address', () => {
    const template = synthesize();

    const ids = Object.keys(LOGICAL_IDS).map((type) => [
      type,
      resourcesOf(template, type)
        .map(([id]) => id)
        .sort(),
    ]);
    expect(Object.fromEntries(ids)).toEqual(LOGICAL_IDS);
  });

  it('are the names that the package exports', () => {
    expect(Object.keys(exported).sort()).toEqual([
      'ConfigurationError',
      'GenerationTable',
      'Observability',
      'WiroCredentials',
      'WiroGenerations',
    ]);
  });
});
