import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type FunctionDescription, MOST_DELIVERIES } from '../../functions/functions.ts';
import { ENV, releaseNote } from '../../functions/settings.ts';
import type { FunctionCode } from '../wiro-generations-props.ts';
import { RELEASE } from './release.ts';

/** Values for the functions' settings. Each function receives those that its description lists. */
export type Environment = { readonly [name in keyof typeof ENV]?: string | undefined };

export interface WiroFunctionProps {
  readonly describedBy: FunctionDescription;
  readonly code: FunctionCode;
  readonly environment: Environment;
  /** How long Lambda retries an asynchronous invocation. @default - 6 hours, Lambda's maximum */
  readonly maxEventAge?: Duration;
  /** @default logs.RetentionDays.ONE_MONTH */
  readonly logRetention?: logs.RetentionDays;
  /** The destination for asynchronous invocations that failed three times. @default - none */
  readonly onFailure?: lambda.IDestination;
  /** Concurrency reserved for this function. @default - none: it shares the account's concurrency */
  readonly reservedConcurrency?: number;
  /** Whether X-Ray traces it. @default false */
  readonly isTraced?: boolean;
}

/** One function from `functions/functions.ts` with its own role, log group and triggers. */
export class WiroFunction extends Construct {
  readonly function: lambda.Function;
  /** The Function URL, if the description asks for one. */
  readonly url: lambda.FunctionUrl | undefined;

  constructor(scope: Construct, id: string, props: WiroFunctionProps) {
    super(scope, id);
    const { describedBy, code, environment, maxEventAge, logRetention, onFailure, isTraced } = props;
    const { reservedConcurrency } = props;
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logRetention ?? logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // The managed policy that CDK attaches by default may write to every log group in the account.
    const role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    this.function = new lambda.Function(this, 'Function', {
      description: `${describedBy.description} ${releaseNote(RELEASE)}`,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      code: lambda.Code.fromAsset(code.directory),
      handler: code.handler,
      memorySize: describedBy.memoryMb,
      timeout: Duration.seconds(describedBy.timeoutSeconds),
      environment: pick(environment, describedBy.environment),
      role,
      logGroup,
      // Lambda writes its own lines as JSON too, so that one query reads both.
      loggingFormat: lambda.LoggingFormat.JSON,
      // Lambda's start and report lines would cost more than they tell: two a minute from a scheduled function, and
      // two for each request to a URL, be it unwanted or the tenth look at a record. Lambda still logs what goes wrong.
      ...((describedBy.everyMinute || describedBy.url) && {
        systemLogLevelV2: lambda.SystemLogLevel.WARN,
      }),
      // Only Lambda itself traces. The X-Ray SDK would lengthen every cold start.
      tracing: isTraced ? lambda.Tracing.ACTIVE : lambda.Tracing.DISABLED,
      // A scheduled function runs again in a minute, so a retry would only duplicate the work.
      retryAttempts: describedBy.everyMinute ? 0 : MOST_DELIVERIES - 1,
      maxEventAge: describedBy.everyMinute ? Duration.minutes(1) : (maxEventAge ?? Duration.hours(6)),
      ...(onFailure && { onFailure }),
      ...(reservedConcurrency !== undefined && { reservedConcurrentExecutions: reservedConcurrency }),
    });
    this.url =
      describedBy.url &&
      // For `NONE`, CDK adds both permissions that a public URL needs: InvokeFunctionUrl and InvokeFunction.
      this.function.addFunctionUrl({
        authType: lambda.FunctionUrlAuthType[describedBy.url === 'public' ? 'NONE' : 'AWS_IAM'],
      });
    if (describedBy.everyMinute)
      new events.Rule(this, 'EveryMinute', {
        schedule: events.Schedule.rate(Duration.minutes(1)),
        targets: [
          new targets.LambdaFunction(this.function, { retryAttempts: 0, maxEventAge: Duration.minutes(1) }),
        ],
      });
  }

  /** Adds a right to the function's role. It is in force before the first invocation. */
  allow(actions: readonly string[], resources: readonly string[]): void {
    this.function.addToRolePolicy(
      new iam.PolicyStatement({ actions: [...actions], resources: [...resources] }),
    );
  }

  /** Lets the function invoke `others`, which may include itself. */
  allowInvoking(others: readonly WiroFunction[]): void {
    const role = this.function.role;
    if (!role) throw new Error(`${this.node.path} has no role`);
    // A separate policy: the function depends on its role's default policy, which therefore cannot refer to it.
    new iam.Policy(this, 'Invokes', {
      roles: [role],
      statements: [
        new iam.PolicyStatement({
          actions: ['lambda:InvokeFunction'],
          resources: others.map((other) => other.function.functionArn),
        }),
      ],
    });
  }
}

function pick(environment: Environment, names: readonly (keyof typeof ENV)[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[ENV[name], value]];
    }),
  );
}
