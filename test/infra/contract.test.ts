import { describe, expect, it } from 'vitest';
import * as exported from '../../infra/index.ts';
import { resourcesOf, synthesize } from './synthesize.ts';

// Changing one of these ids replaces the resource in every deployed stack. The table and the buckets hold data, the bus
// has rules of other apps, callbacks under way use the Function URL, and CloudFormation cannot create a parameter while
// an old one has the same name. Therefore a change here needs a new major version and a migration (docs/construct.md).
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

describe('the contract across versions', () => {
  it('fixes the logical ids of resources that hold data or have an address', () => {
    const template = synthesize();

    const ids = Object.keys(LOGICAL_IDS).map((type) => [
      type,
      resourcesOf(template, type)
        .map(([id]) => id)
        .sort(),
    ]);
    expect(Object.fromEntries(ids)).toEqual(LOGICAL_IDS);
  });

  it('fixes the names that the package exports', () => {
    expect(Object.keys(exported).sort()).toEqual([
      'ConfigurationError',
      'GenerationTable',
      'Observability',
      'WiroCredentials',
      'WiroGenerations',
    ]);
  });
});
