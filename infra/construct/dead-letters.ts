import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/**
 * Where Lambda leaves what it has given up: an asynchronous invocation after its third try, with the error. Nobody
 * polls it, so it costs nothing while it is empty. Generations do not depend on it (`reconcile` takes them up); a
 * request that never became one, such as the event of a dropped file, is here and nowhere else.
 */
export class DeadLetters extends sqs.Queue {
  /** For the functions whose invocations it takes. CDK's own destination would let them read the queue's attributes too. */
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
      // SQS's longest: time enough to look, mend and send again.
      retentionPeriod: Duration.days(14),
    });
  }
}
