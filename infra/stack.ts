import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as events from 'aws-cdk-lib/aws-events';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { WiroGenerations } from './construct/wiro-generations.ts';
import type { StackSettings } from './stack-settings.ts';
import { WiroCredentials } from './wiro-credentials.ts';
import type { WiroGenerationsProps } from './wiro-generations-props.ts';

/** The repository's own stack, which `npx cdk deploy` deploys: one `WiroGenerations` and its addresses as outputs. */
export class WiroStack extends Stack {
  constructor(scope: Construct, settings: StackSettings, code: WiroGenerationsProps['code']) {
    const {
      stackName,
      test,
      parameterPath,
      secret,
      retentionDays,
      deadlineMinutes,
      maximumWaitHours,
      uploadRetentionDays,
      ...rest
    } = settings;
    const { furtherInputBuckets, inputBucket, outputBucket, table, eventBus, alarmTopic, ...props } = rest;
    super(scope, stackName, {
      stackName,
      description: 'Runs Wiro models, copies their outputs to S3 and keeps records in DynamoDB.',
    });
    const credentials = secret
      ? WiroCredentials.fromSecret(findSecret(this, secret), { path: parameterPath })
      : WiroCredentials.fromParameters({ path: parameterPath });
    const wiro = new WiroGenerations(this, 'Wiro', {
      ...props,
      code,
      credentials,
      furtherInputBuckets: furtherInputBuckets.map((name) => s3.Bucket.fromBucketName(this, name, name)),
      inputBucket: given(inputBucket, (name) => s3.Bucket.fromBucketName(this, 'GivenInputs', name)),
      outputBucket: given(outputBucket, (name) => s3.Bucket.fromBucketName(this, 'GivenOutputs', name)),
      table: given(table, (name) => dynamodb.Table.fromTableName(this, 'GivenTable', name)),
      eventBus: given(eventBus, (name) => events.EventBus.fromEventBusName(this, 'GivenEvents', name)),
      retention: given(retentionDays, Duration.days),
      deadline: given(deadlineMinutes, Duration.minutes),
      maximumWait: given(maximumWaitHours, Duration.hours),
      uploadRetention: given(uploadRetentionDays, Duration.days),
      removalPolicy: test ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
    if (alarmTopic)
      wiro.observability?.addAlarmAction(
        new SnsAction(sns.Topic.fromTopicArn(this, 'AlarmTopic', alarmTopic)),
      );
    const outputs = {
      ApiUrl: [wiro.apiUrl, 'The HTTP API. Sign requests with AWS_IAM.'],
      CallbackUrl: [wiro.callbackUrl, 'The URL where Wiro reports the end of a task.'],
      InputBucketName: [wiro.inputBucket.bucketName, 'Put inputs here, and request files under requests/.'],
      OutputBucketName: [wiro.outputBucket.bucketName, 'Finished outputs.'],
      TableName: [wiro.table.tableName, 'Records of generations.'],
      EventBusName: [wiro.eventBus.eventBusName, 'Outcomes, for event rules.'],
    } as const;
    for (const [name, [value, description]] of Object.entries(outputs))
      new CfnOutput(this, name, { value, description });
  }
}

const given = <Value, Made>(value: Value | undefined, make: (value: Value) => Made) =>
  value === undefined ? undefined : make(value);

function findSecret(scope: Construct, nameOrArn: string) {
  return nameOrArn.startsWith('arn:')
    ? Secret.fromSecretCompleteArn(scope, 'Credentials', nameOrArn)
    : Secret.fromSecretNameV2(scope, 'Credentials', nameOrArn);
}
