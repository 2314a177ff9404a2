import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';

/** Where the SSM parameters of a deployment lie. */
export interface ParametersOptions {
  /**
   * The parameters lie under it; the stack adds two plain ones that tell where callbacks go. Begins with `/`, not
   * with `/aws` or `/ssm`. @default - `/wiro/` and the stack's name, where `setup` puts them
   */
  readonly path?: string;
}

/** Where a deployment's secrets lie: the Wiro project's key and secret, and the secret that signs callbacks. */
export class WiroCredentials {
  /**
   * Encrypted parameters in SSM Parameter Store, as `setup` writes them. Costs nothing while idle.
   *
   * CloudFormation cannot create encrypted parameters: run `npx wiro-serverless-setup` (in the project's own repository
   * `npm run setup`) before the first deployment.
   */
  static fromParameters({ path }: ParametersOptions = {}): WiroCredentials {
    return new WiroCredentials(path, undefined);
  }

  /**
   * One secret in Secrets Manager, $0.40 a month. Its value is a JSON object: `apiKey`, `apiSecret` (not for a
   * key-only project), `callbackSecret` (32 random bytes or more, as text) and, while the callback secret is being
   * replaced, `previousCallbackSecret`.
   * @param secret - May be imported. Functions may read its value, and decrypt with its `encryptionKey` if it has one.
   */
  static fromSecret(secret: secretsmanager.ISecret, { path }: ParametersOptions = {}): WiroCredentials {
    return new WiroCredentials(path, secret);
  }

  /** As given: `undefined` stands for `/wiro/` and the stack's name. */
  readonly path: string | undefined;
  /** `undefined` where the credentials are parameters. */
  readonly secret: secretsmanager.ISecret | undefined;

  private constructor(path: string | undefined, secret: secretsmanager.ISecret | undefined) {
    this.path = path;
    this.secret = secret;
  }
}
