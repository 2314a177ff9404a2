import { Duration } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
// In an app of yours: from 'wiro-serverless'.
import type { WiroGenerations } from '../../infra/index.ts';

export interface GalleryProps {
  readonly wiro: WiroGenerations;
  /** `handler.ts`, bundled: with `NodejsFunction`, or as this repository does it. */
  readonly code: lambda.Code;
}

/** Keeps an entry for each generation that succeeded. */
export class Gallery extends Construct {
  readonly table: dynamodb.TableV2;

  constructor(scope: Construct, id: string, { wiro, code }: GalleryProps) {
    super(scope, id);
    this.table = new dynamodb.TableV2(this, 'Table', {
      partitionKey: { name: 'eventId', type: dynamodb.AttributeType.STRING },
    });
    const add = new lambda.Function(this, 'Add', {
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      code,
      handler: 'index.handler',
      // The largest output is held as a whole.
      memorySize: 512,
      timeout: Duration.minutes(1),
      environment: { GALLERY_TABLE: this.table.tableName },
      // What fails three times is kept, and can be sent again.
      deadLetterQueue: new sqs.Queue(this, 'Failed', {
        enforceSSL: true,
        retentionPeriod: Duration.days(14),
      }),
    });
    this.table.grant(add, 'dynamodb:PutItem');
    wiro.grantRead(add);
    wiro.onSucceeded('Gallery', { target: new targets.LambdaFunction(add) });
  }
}
