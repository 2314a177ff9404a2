import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/**
 * The dead letter queue for asynchronous invocations that failed three times, each with its error. No function polls
 * the queue, so it costs nothing while empty. Generations do not depend on it, because `reconcile` continues them. A
 * request that never became a generation, such as the event of a dropped file, exists only here.
 */
export class DeadLetters extends sqs.Queue {
  /** The `onFailure` destination for functions. CDK's `SqsDestination` would also let them read the queue's attributes. */
  readonly destination: lambda.IDestination = {
    bind: (_scope, grantee) => {
      iam.Grant.addToPrincipal({ grantee, actions: ['sqs:SendMessage'], resourceArns: [this.queueArn] });
      return { destination: this.queueArn };
    },
  };

  constructor(scope: Construct, id: string) {
    super(scope, id, {
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // SQS's maximum, to leave time to find the cause, fix it and send the messages again.
      retentionPeriod: Duration.days(14),
    });
  }
}
