import { CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { StackSettings } from './stack-settings.ts';
import { WiroGenerations, type WiroGenerationsProps } from './wiro-generations.ts';

/** The stack that `npx cdk deploy` brings into an account: one `WiroGenerations` and its addresses. */
export class WiroStack extends Stack {
  constructor(scope: Construct, settings: StackSettings, code: WiroGenerationsProps['code']) {
    const { stackName, test, furtherInputBuckets, ...props } = settings;
    super(scope, stackName, {
      stackName,
      description: 'Runs Wiro models: requests in, outputs in S3, records in DynamoDB.',
    });
    const wiro = new WiroGenerations(this, 'Wiro', {
      ...props,
      code,
      furtherInputBuckets: furtherInputBuckets.map((name) => s3.Bucket.fromBucketName(this, name, name)),
      removalPolicy: test ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
    const outputs = {
      ApiUrl: [wiro.apiUrl, 'The HTTP API; requests are signed (AWS_IAM).'],
      CallbackUrl: [wiro.callbackUrl, 'Where Wiro reports the end of a run.'],
      InputBucketName: [wiro.inputBucket.bucketName, 'Put inputs here, and request files under requests/.'],
      OutputBucketName: [wiro.outputBucket.bucketName, 'Finished outputs.'],
      TableName: [wiro.table.tableName, 'Records of generations.'],
      EventBusName: [wiro.eventBus.eventBusName, 'Outcomes, for event rules.'],
    } as const;
    for (const [name, [value, description]] of Object.entries(outputs))
      new CfnOutput(this, name, { value, description });
  }
}
