import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type FunctionDescription, MOST_DELIVERIES } from '../../functions/functions.ts';
import { ENV } from '../../functions/settings.ts';
import type { FunctionCode } from '../wiro-generations-props.ts';

/** Values of the settings that functions read; a function is told those that its description names. */
export type Environment = { readonly [name in keyof typeof ENV]?: string | undefined };

export interface WiroFunctionProps {
  readonly describedBy: FunctionDescription;
  readonly code: FunctionCode;
  readonly environment: Environment;
  /** How long an asynchronous invocation is tried. @default - 6 hours, Lambda's longest */
  readonly maxEventAge?: Duration;
  /** @default logs.RetentionDays.ONE_MONTH */
  readonly logRetention?: logs.RetentionDays;
  /** Where asynchronous invocations go that failed three times. @default - nowhere: what runs every minute needs none */
  readonly onFailure?: lambda.IDestination;
  /** Concurrency that it has to itself. @default - it shares the account's */
  readonly reservedConcurrency?: number;
  /** Whether X-Ray traces it. @default false */
  readonly isTraced?: boolean;
}

/** One function as `functions/functions.ts` describes it, with a role, a log group and triggers of its own. */
export class WiroFunction extends Construct {
  readonly function: lambda.Function;
  /** Its Function URL, where the description asks for one. */
  readonly url: lambda.FunctionUrl | undefined;

  constructor(scope: Construct, id: string, props: WiroFunctionProps) {
    super(scope, id);
    const { describedBy, code, environment, maxEventAge, logRetention, onFailure, isTraced } = props;
    const { reservedConcurrency } = props;
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logRetention ?? logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // Not the managed policy that CDK would attach: it may write to every log group of the account.
    const role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    this.function = new lambda.Function(this, 'Function', {
      description: describedBy.description,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      code: lambda.Code.fromAsset(code.directory),
      handler: code.handler,
      memorySize: describedBy.memoryMb,
      timeout: Duration.seconds(describedBy.timeoutSeconds),
      environment: pick(environment, describedBy.environment),
      role,
      logGroup,
      // Lambda's own lines in JSON, like ours: one query reads both.
      loggingFormat: lambda.LoggingFormat.JSON,
      // Two lines a minute that say nothing happened would cost more than what they tell of; two for each request of
      // whoever finds a public URL, more than the request. What goes wrong is still said.
      ...((describedBy.everyMinute || describedBy.url === 'public') && {
        systemLogLevelV2: lambda.SystemLogLevel.WARN,
      }),
      // Traced by Lambda alone: the X-Ray SDK would be loaded at every cold start.
      tracing: isTraced ? lambda.Tracing.ACTIVE : lambda.Tracing.DISABLED,
      // What is scheduled comes again in a minute: trying the old one again would only do it twice.
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

  /** Adds a right to the function's role, in force before its first invocation. */
  allow(actions: readonly string[], resources: readonly string[]): void {
    this.function.addToRolePolicy(
      new iam.PolicyStatement({ actions: [...actions], resources: [...resources] }),
    );
  }

  /** Lets the function start `others`, itself included. */
  allowInvoking(others: readonly WiroFunction[]): void {
    const role = this.function.role;
    if (!role) throw new Error(`${this.node.path} has no role`);
    // A policy apart: a function waits for its role's own policy, which then could not speak of the function.
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
