import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';

/** The location of a deployment's SSM parameters. */
export interface ParametersOptions {
  /**
   * The path of the parameters. The stack adds two unencrypted ones with the callback's URL and function. Begins with
   * `/`, but not with `/aws` or `/ssm`. @default - `/wiro/` and the stack's name, like the setup command's
   */
  readonly path?: string;
}

/** The location of a deployment's secrets: the Wiro project's API key and secret, and the secret that signs callbacks. */
export class WiroCredentials {
  /**
   * Uses encrypted parameters in SSM Parameter Store, written by the setup command. They cost nothing while idle.
   *
   * CloudFormation cannot create encrypted parameters: run `npx wiro-serverless-setup` (in the project's own repository
   * `npm run setup`) before the first deployment.
   */
  static fromParameters({ path }: ParametersOptions = {}): WiroCredentials {
    return new WiroCredentials(path, undefined);
  }

  /**
   * Uses one secret in Secrets Manager, for $0.40 a month. Its value is a JSON object with `apiKey`, `apiSecret`
   * (omitted for a key-only project), `callbackSecret` (32 or more random bytes, as text) and, during a rotation,
   * `previousCallbackSecret`.
   * @param secret - May be imported. The functions receive the rights to read it and to use its `encryptionKey`.
   */
  static fromSecret(secret: secretsmanager.ISecret, { path }: ParametersOptions = {}): WiroCredentials {
    return new WiroCredentials(path, secret);
  }

  /** The path as given. `undefined` stands for `/wiro/` and the stack's name. */
  readonly path: string | undefined;
  /** `undefined` if the credentials are parameters. */
  readonly secret: secretsmanager.ISecret | undefined;

  private constructor(path: string | undefined, secret: secretsmanager.ISecret | undefined) {
    this.path = path;
    this.secret = secret;
  }
}
